/** The whole state of the page: plain values, one place, told to whoever listens. */

/** What a fresh page shows; only what differs from it stands in the address. */
export const DEFAULTS = Object.freeze({
  view: 'night',
  // the night table
  q: '', kind: '', type: '', filter: '', exposure: '', temperature: '', folder: '', problems: false, sort: '', stack: [],
  // the frame viewer
  frame: '', other: '', mode: 'one', plane: 'data', cx: null, cy: null, zoom: null,
  how: 'asinh', limits: 'zscale', lo: null, hi: null, invert: false, map: 'gray', pool: 'mean',
  lockview: true, lockstretch: false, blink: false, rate: 2, amplifiers: false,
  planes: 0, opacity: 0.6, colors: {}, region: null, circle: false, px: null, py: null, panel: 'region',
  // headers, photon transfer, displays
  a: '', b: '', hq: '', set: '', amplifier: '', model: '', point: null, logarithmic: false, display: null,
});

let current = { ...DEFAULTS };
const listeners = new Set();

/** The state now; do not change it, call `update`. */
export const state = () => current;

/** Be told of changes: `listener(state, changed names, push)`. */
export function listen(listener) {
  listeners.add(listener);
}

/**
 * Change the state.
 * @param {Partial<typeof DEFAULTS>} changes
 * @param {{push?: boolean}} options push: the back button leads to the state before
 */
export function update(changes, { push = false } = {}) {
  const changed = new Set(Object.keys(changes).filter((name) => !same(current[name], changes[name])));
  if (changed.size === 0) return;
  current = { ...current, ...changes };
  for (const listener of listeners) listener(current, changed, push);
}

/** Whether two values of the state are equal. */
export const same = (one, two) => one === two || JSON.stringify(one) === JSON.stringify(two);
