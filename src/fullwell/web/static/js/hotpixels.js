/** Hot pixels: the brightest outliers of the frame; a click goes there. */

import { getJson } from './api.js';
import { asking } from './asking.js';
import { choice, el, shown } from './dom.js';
import { state, update } from './store.js';

const JUMP_ZOOM = 16;

/** Build the panel. */
export function hotPixelPanel(viewer) {
  const sigma = choice('hot-sigma', 'Above', ['5', '8', '12', '20', '50'].map((n) => [n, `${n} σ`]), '8', () => show());
  const place = el('div');
  const summary = el('p', { class: 'summary', testid: 'hot-summary' });
  const rows = el('tbody', { testid: 'hot-rows' });
  const head = ['x', 'y', 'value', 'σ'].map((text) => el('th', { scope: 'col', class: 'right' }, text));
  const element = el('div', { class: 'panel hot' }, el('div', { class: 'row' }, sigma), place, summary,
    el('div', { class: 'scroll' }, el('table', { class: 'facts' }, el('caption', { class: 'unseen' }, 'Hot pixels'), el('thead', {}, el('tr', {}, ...head, el('th', {}, el('span', { class: 'unseen' }, 'Go there')))), rows)));
  let pixels = [];

  const ask = asking('hot', place, async (signal, id, level) => {
    const told = await getJson(`frames/${encodeURIComponent(id)}/hot-pixels`, { limit: 200, sigma: level }, { signal });
    pixels = told.pixels;
    summary.textContent = `${pixels.length}${pixels.length === 200 ? ' brightest' : ''} pixels above ${shown(told.threshold, 6)} (level ${shown(told.level, 6)}, spread ${shown(told.spread, 4)})`;
    draw();
  });

  function draw() {
    const now = state();
    rows.replaceChildren(...pixels.map(({ x, y, value, sigma: away }) => el('tr', { 'aria-current': x === now.px && y === now.py ? 'true' : null },
      ...[x, y, shown(value, 6), shown(away, 4)].map((text) => el('td', { class: 'right' }, String(text))),
      el('td', {}, el('button', { type: 'button', class: 'link', testid: 'hot-jump', 'aria-label': `Go to ${x}, ${y}`, onclick: () => jump(x, y) }, 'go')))));
  }

  function jump(x, y) {
    update({ px: x, py: y }, { push: true });
    viewer.reveal(x, y, JUMP_ZOOM);
    draw();
  }

  function show() {
    if (!viewer.details) { ask(null); return; }
    const level = sigma.querySelector('select').value;
    ask(`${viewer.details.id} ${viewer.details.version} ${level}`, viewer.details.id, level);
  }
  return { element, show };
}
