/** Axes of a plot: round ticks, linear and logarithmic scales. */

/**
 * Round values within a range.
 * @returns {number[]}
 */
export function ticks(low, high, most = 6) {
  if (!(high > low)) return [low];
  const raw = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i += 1) found.push(Number((i * step).toPrecision(12)));
  return found;
}

/** Powers of ten within a range, with 2 and 5 between where there are few. */
export function logTicks(low, high) {
  const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const parts = to - from > 3 ? [1] : [1, 2, 5];
  const every = Math.max(1, Math.ceil((to - from) / 7));
  const found = [];
  for (let power = from; power <= to; power += every) for (const part of parts) found.push(part * 10 ** power);
  return found.filter((value) => value >= low * 0.999 && value <= high * 1.001);
}

/** A value at a tick. */
export function tickText(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-3)) return value.toExponential().replace('e+', 'e').replace(/\.?0+e/, 'e');
  return String(Number(value.toPrecision(7)));
}

/**
 * A scale from values to pixels.
 * @param {[number, number]} values its ends
 * @param {[number, number]} pixels where they go
 */
export function scaleOf(values, pixels, logarithmic = false) {
  const warp = logarithmic ? (v) => Math.log10(Math.max(v, 1e-300)) : (v) => v;
  const [low, high] = values.map(warp);
  const span = high - low || 1;
  const to = (value) => pixels[0] + ((warp(value) - low) / span) * (pixels[1] - pixels[0]);
  to.back = (pixel) => {
    const value = low + ((pixel - pixels[0]) / (pixels[1] - pixels[0])) * span;
    return logarithmic ? 10 ** value : value;
  };
  return to;
}

/** Ends that hold all values with some room; only positive ones count on a logarithmic axis. */
export function rangeOf(values, logarithmic = false, room = 0.04) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value === null || !Number.isFinite(value) || (logarithmic && value <= 0)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return logarithmic ? [1, 10] : [0, 1];
  if (logarithmic) return low === high ? [low / 2, high * 2] : [low / (high / low) ** room, high * (high / low) ** room];
  const extra = high > low ? (high - low) * room : Math.abs(high) * 0.05 || 0.5;
  return [low - extra, high + extra];
}
