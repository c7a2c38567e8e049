/** Displays: frames that scripts sent to the inspector, with their marks. */

import { allowed } from './allowed.js';
import { getJson } from './api.js';
import { el, notice } from './dom.js';
import { forget, nameDisplays, theSession } from './library.js';
import { same, state, update } from './store.js';
import { STRETCHES } from './stretch.js';
import { drop } from './tiles.js';

const EVERY = 1500; // ms between looks for news

let displays = [];
const listeners = new Set();

/** Be told when displays came, went or changed. */
export const onDisplays = (listener) => listeners.add(listener);

/** The display whose frame has this id, or null. */
export const displayOf = (id) => displays.find((display) => display.id === id) ?? null;

/** Ask for the displays now and then, from now on. */
export async function followDisplays() {
  await look(true).catch(() => {});
  const again = async () => {
    if (!document.hidden) await look(false).catch(() => {}); // the list of frames says when the server is gone
    setTimeout(again, EVERY);
  };
  setTimeout(again, EVERY);
}

async function look(counted) {
  const told = (await getJson('displays', {}, { counted })).displays;
  if (same(told, displays)) return;
  for (const display of displays) {
    const now = told.find((one) => one.id === display.id);
    if (now?.version !== display.version) { forget(display.id); drop(display.id); }
  }
  displays = told;
  nameDisplays(displays);
  for (const listener of listeners) listener();
}

/** Build the view. */
export function displaysView() {
  const body = el('div', { testid: 'displays' });
  const element = el('div', { class: 'page displays' }, el('h2', {}, 'Displays'), body);
  const show = () => body.replaceChildren(displays.length
    ? el('ul', { class: 'cards-list' }, ...displays.map((display) => el('li', {}, el('button', { type: 'button', class: 'link', testid: 'open-display', onclick: () => openDisplay(display) },
      `${display.number}: ${display.title || 'without a title'}`), el('small', {}, ` ${counted(display.marks?.length ?? 0)}`))))
    : notice('No script has sent a frame yet. In Python: fullwell.display.Display(frame=1, backend="web").mtv(frame)', { testid: 'displays-none' }));
  onDisplays(() => { if (state().view === 'displays') show(); });
  return { element, show };
}

const counted = (marks) => `${marks} ${marks === 1 ? 'mark' : 'marks'}`;

/** Show a display as its script wished. */
export function openDisplay(display) {
  const { scale = {}, view = {}, masks = {} } = display;
  const changes = { view: 'frame', frame: display.id, mode: 'one' };
  if (Object.hasOwn(STRETCHES, scale.stretch)) changes.how = scale.stretch;
  if (Array.isArray(scale.limits)) Object.assign(changes, { limits: 'manual', lo: scale.limits[0], hi: scale.limits[1] });
  else if (['zscale', 'minmax'].includes(scale.limits)) changes.limits = scale.limits;
  if (Number.isFinite(view.zoom)) changes.zoom = view.zoom;
  if (Array.isArray(view.center)) Object.assign(changes, { cx: view.center[0] + 0.5, cy: view.center[1] + 0.5 });
  Object.assign(changes, masksOf(masks));
  update(allowed(changes).values, { push: true });
}

/** Planes, colors and opacity as a script set them, by name. */
function masksOf(masks) {
  const bits = new Map(theSession().flags.map((plane) => [plane.name === 'MASKED' && !masks.MASKED ? 'MASK' : plane.name, plane.bit]));
  const wished = Object.entries(masks).filter(([name, style]) => bits.has(name) && style);
  if (!wished.length) return {};
  const seen = wished.filter(([, style]) => style.opacity > 0);
  return {
    planes: seen.reduce((sum, [name]) => sum | (1 << bits.get(name)), 0),
    opacity: seen[0]?.[1].opacity ?? 0.5,
    colors: Object.fromEntries(wished.filter(([, style]) => /^#[0-9a-f]{6}$/.test(style.color)).map(([name, style]) => [bits.get(name), style.color])),
  };
}
