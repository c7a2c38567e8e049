/** Masks: which flag planes lie over the picture, in what color, how dense. */

import { getJson } from './api.js';
import { asking } from './asking.js';
import { button, el, notice } from './dom.js';
import { state, update } from './store.js';

/** Colors of the planes by bit; the same as those of fullwell.display. */
export const PLANE_COLORS = {
  0: '#e6194b', 1: '#f58231', 2: '#4363d8', 3: '#f032e6', 4: '#3cb44b', 5: '#7a6a53', 6: '#9a6324', 7: '#808000',
  8: '#b76cf4', 9: '#42d4f4', 10: '#ffe119', 11: '#469990', 12: '#8fd9a8',
};

/** Build the panel. */
export function masksPanel(viewer) {
  const place = el('div');
  const list = el('ul', { class: 'planes', testid: 'planes' });
  const none = notice('This frame carries no flags.', { testid: 'masks-none' });
  const opacity = el('input', { type: 'range', min: 0, max: 1, step: 0.05, testid: 'mask-opacity', 'aria-label': 'Opacity', oninput: () => update({ opacity: Number(opacity.value) }) });
  const all = button('masks-all', 'All', () => update({ planes: viewer.planes().reduce((sum, plane) => sum | (1 << plane.bit), 0) }));
  const off = button('masks-off', 'None', () => update({ planes: 0 }));
  const controls = el('div', { class: 'row' }, all, off, el('label', { class: 'field' }, el('span', {}, 'Opacity'), opacity));
  const element = el('div', { class: 'panel masks' }, controls, place, none, list);
  let counts = new Map();

  const ask = asking('masks', place, async (signal, id) => {
    const told = await getJson(`frames/${encodeURIComponent(id)}/flags`, {}, { signal });
    counts = new Map(told.planes.map((plane) => [plane.name, plane.count]));
    draw();
  });

  function draw() {
    const now = state();
    list.replaceChildren(...viewer.planes().map(({ name, bit, bad, meaning }) => {
      const shownNow = Boolean(now.planes & (1 << bit));
      const toggle = el('input', { type: 'checkbox', testid: `mask-${name}`, onchange: () => update({ planes: state().planes ^ (1 << bit) }) });
      toggle.checked = shownNow;
      const pick = el('input', { type: 'color', value: now.colors[bit] ?? PLANE_COLORS[bit] ?? '#ff0000', testid: `mask-color-${name}`, 'aria-label': `Color of ${name}`, onchange: () => update({ colors: { ...state().colors, [bit]: pick.value } }) });
      const count = counts.get(name);
      return el('li', {}, pick, el('label', { class: 'check', title: meaning }, toggle, el('span', {}, name), el('small', {}, bad ? '' : 'information')), el('span', { class: 'count', testid: `mask-count-${name}` }, count === undefined ? '' : count.toLocaleString('en')));
    }));
  }

  function show() {
    const now = state();
    const has = Boolean(viewer.details?.planes?.includes('flags'));
    opacity.value = String(now.opacity);
    none.hidden = has || !viewer.details;
    list.hidden = !has;
    controls.hidden = !has;
    if (!has) { ask(null); return; }
    draw();
    ask(`${viewer.details.id} ${viewer.details.version}`, viewer.details.id);
  }
  return { element, show };
}
