/** What the values of the state may be: addresses are edited by hand, and scripts send what they like. */

import { COLUMNS } from './filters.js';
import { PANELS } from './panels.js';
import { DEFAULTS } from './store.js';
import { COLORS, STRETCHES } from './stretch.js';
import { LIMITS, MODES, POOLS, RATES } from './toolbar.js';
import { VIEWS } from './views.js';

const MOST_PIXELS = 1e6; // along one axis: more than any frame has
const MOST_FLOAT32 = 3.4e38;

const names = (pairs) => pairs.map(([name]) => name);
const oneOf = (values) => (value) => values.includes(value);
const between = (least, most) => (value) => value === null || (value >= least && value <= most);
const whole = (most) => (value) => value === null || (Number.isInteger(value) && value >= 0 && value <= most);
const place = between(-MOST_PIXELS, MOST_PIXELS);

/** Whether a value is allowed, by name; names that are not here take any text, which the server judges. */
const ALLOWED = new Map(Object.entries({
  view: oneOf(names(VIEWS)), mode: oneOf(names(MODES)), plane: oneOf(['data', 'variance', 'flags']), how: oneOf(Object.keys(STRETCHES)),
  limits: oneOf(names(LIMITS)), map: oneOf(COLORS), pool: oneOf(POOLS), panel: oneOf(names(PANELS)), rate: oneOf(RATES),
  sort: oneOf(['', ...COLUMNS.flatMap(({ name }) => [name, `-${name}`])]),
  cx: place, cy: place, zoom: between(1 / 4096, 4096), lo: between(-MOST_FLOAT32, MOST_FLOAT32), hi: between(-MOST_FLOAT32, MOST_FLOAT32),
  opacity: between(0, 1), planes: whole(65535), px: whole(MOST_PIXELS), py: whole(MOST_PIXELS), point: whole(MOST_PIXELS), display: whole(MOST_PIXELS),
  region: (box) => box === null || box.every((edge) => edge >= 0 && edge <= MOST_PIXELS),
}));

/**
 * Sort out what is not allowed.
 * @param {Object} values of the state, some or all
 * @returns {{values: Object, refused: string[]}} refused values have their default, their names are told
 */
export function allowed(values) {
  const refused = Object.keys(values).filter((name) => ALLOWED.has(name) && !ALLOWED.get(name)(values[name]));
  const left = { ...values };
  for (const name of refused) left[name] = DEFAULTS[name];
  if (left.limits === 'manual' && !(left.lo !== null && left.hi !== null && left.lo < left.hi)) {
    Object.assign(left, { limits: DEFAULTS.limits, lo: null, hi: null });
    refused.push('limits');
  }
  return { values: left, refused: [...new Set(refused)] };
}
