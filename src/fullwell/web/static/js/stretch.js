/** From values to colors: the stretches, the color maps and the tables that hold them. */

/** Where asinh turns from linear to logarithmic, as a fraction of the range; as in fullwell.picture. */
const ASINH_SOFTENING = 0.1;
const LOG_SCALE = 1000;
const FLOAT_STEPS = 16384;

/** The stretches by name: fraction of the range to fraction of the brightness. */
export const STRETCHES = {
  linear: (x) => x,
  log: (x) => Math.log1p(LOG_SCALE * x) / Math.log1p(LOG_SCALE),
  asinh: (x) => Math.asinh(x / ASINH_SOFTENING) / Math.asinh(1 / ASINH_SOFTENING),
  sqrt: Math.sqrt,
};

/** 33 points of viridis (by S. van der Walt and N. Smith, CC0), evenly spaced; straight lines between. */
const VIRIDIS = ('440154 470d60 48186a 482374 472d7b 453781 424086 3e4989 3b528b 375b8d 33638d 2f6b8e 2c728e 297a8e '
  + '26828e 23898e 21918c 1f978b 1f9f88 21a685 27ad81 31b57b 3dbc74 4cc26c 5cc863 6ece58 81d34d 95d840 aadc32 '
  + 'c0df25 d5e21a eae51a fde725').split(' ').map(rgb);

/** Color of a value that is not finite: none of the grays, as in fullwell.picture. */
export const NOTHING = pack(196, 92, 60);

/** Colors of the maps: 256 packed words each. */
const MAPS = {
  gray: Uint32Array.from({ length: 256 }, (_, level) => pack(level, level, level)),
  viridis: Uint32Array.from({ length: 256 }, (_, level) => {
    const place = (level / 255) * 32;
    const below = Math.min(31, Math.floor(place));
    const mixed = VIRIDIS[below].map((value, k) => Math.round(value + (VIRIDIS[below + 1][k] - value) * (place - below)));
    return pack(...mixed);
  }),
};

/** Names of the color maps. */
export const COLORS = Object.keys(MAPS);

/** One opaque pixel as ImageData keeps it (little-endian). */
export function pack(red, green, blue) {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** Red, green and blue of six hexadecimal digits. */
export function rgb(text) {
  const value = parseInt(text.replace('#', ''), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** Packed color of a fraction (0 to 1) of the range. */
export function colorAt(fraction, { how, invert, map }) {
  const x = Math.min(1, Math.max(0, fraction));
  const level = Math.round(STRETCHES[how](x) * 255);
  return MAPS[map][invert ? 255 - level : level];
}

let last = { key: '', table: null };

/**
 * The table of a stretch.
 * @param {{how: string, lo: number, hi: number, invert: boolean, map: string}} look
 * @param {boolean} whole true for uint16 pixels, one entry a value; otherwise entries are steps of the window
 * @returns {{colors: Uint32Array, lo: number, scale: number, whole: boolean}}
 */
export function tableOf(look, whole) {
  const key = JSON.stringify([look.how, look.lo, look.hi, look.invert, look.map, whole]);
  if (last.key === key) return last.table;
  const span = look.hi - look.lo || 1;
  const size = whole ? 65536 : FLOAT_STEPS;
  const colors = new Uint32Array(size);
  const palette = MAPS[look.map];
  const curve = STRETCHES[look.how];
  for (let i = 0; i < size; i += 1) {
    const fraction = whole ? (i - look.lo) / span : i / (size - 1);
    const level = Math.round(curve(fraction <= 0 ? 0 : fraction >= 1 ? 1 : fraction) * 255);
    colors[i] = palette[look.invert ? 255 - level : level];
  }
  const table = { colors, lo: look.lo, scale: (FLOAT_STEPS - 1) / span, whole };
  last = { key, table };
  return table;
}

/**
 * Limits of values at hand, for images that the server does not know (a difference).
 * @param {ArrayLike<number>} values finite ones
 */
export function limitsOf(values) {
  const sorted = Float64Array.from(values).sort();
  if (sorted.length === 0) return null;
  const at = (fraction) => sorted[Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))];
  const median = at(0.5);
  const spread = 0.7413 * (at(0.75) - at(0.25)); // of a Gaussian: the quartiles
  const wide = spread > 0 ? 4 * spread : 1;
  const guard = ([lo, hi]) => (lo < hi ? [lo, hi] : [lo - 0.5, lo + 0.5]);
  return {
    zscale: [median - wide, median + wide],
    minmax: guard([sorted[0], sorted[sorted.length - 1]]),
    p99: guard([at(0.005), at(0.995)]),
    p999: guard([at(0.0005), at(0.9995)]),
  };
}
