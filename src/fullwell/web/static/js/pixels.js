/** The pixel table: values round the pinned pixel, as numbers. */

import { getJson } from './api.js';
import { asking } from './asking.js';
import { choice, el, notice, shown } from './dom.js';
import { state } from './store.js';

/** Build the panel. */
export function pixelPanel(viewer) {
  const size = choice('pixel-size', 'Size', ['3', '5', '7', '9'].map((n) => [n, `${n} × ${n}`]), '5', () => show());
  const place = el('div');
  const hint = notice('Click a pixel, or move with the arrow keys, to see the values round it.', { testid: 'pixels-hint' });
  const table = el('table', { class: 'pixel-table', testid: 'pixel-table' });
  const element = el('div', { class: 'panel pixels' }, el('div', { class: 'row' }, size), hint, place, el('div', { class: 'scroll' }, table));

  const ask = asking('pixels', place, async (signal, id, x, y, side) => {
    const told = await getJson(`frames/${encodeURIComponent(id)}/value`, { x, y, size: side }, { signal });
    const half = (side - 1) / 2;
    const head = el('tr', {}, el('th', {}, 'y \\ x'), ...Array.from({ length: side }, (_, i) => el('th', { scope: 'col' }, String(x - half + i))));
    // The server counts rows from the bottom, as the picture shows them: the last comes first in the table.
    const rows = told.neighbors.map((values, i) => el('tr', {}, el('th', { scope: 'row' }, String(y - half + i)),
      ...values.map((value, j) => el('td', { class: i === half && j === half ? 'middle' : null }, value === null ? '·' : shown(value, 6)))));
    table.replaceChildren(el('thead', {}, head), el('tbody', {}, ...rows.reverse()));
  });

  function show() {
    const { px, py } = state();
    hint.hidden = px !== null;
    table.hidden = px === null;
    if (px === null || !viewer.details) { ask(null); return; }
    const side = Number(size.querySelector('select').value);
    ask(JSON.stringify([viewer.details.id, viewer.details.version, px, py, side]), viewer.details.id, px, py, side);
  }
  return { element, show };
}
