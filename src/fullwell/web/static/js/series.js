/** Series: one pixel, or the mean of a region, through all frames of a stack. */

import { getJson } from './api.js';
import { asking } from './asking.js';
import { choice, el, notice, shown } from './dom.js';
import { frame, nameOf, sequence } from './library.js';
import { Plot } from './plots.js';
import { state } from './store.js';

const MOST = 400; // frames in one question

/** Build the panel. */
export function seriesPanel(viewer) {
  const what = choice('series-what', 'Of', [['pixel', 'the pixel'], ['region', 'the region']], 'pixel', () => show());
  const place = el('div');
  const hint = notice('', { testid: 'series-hint' });
  const plot = new Plot('series', { label: 'Value through the stack', height: 220, onpoint: (index) => viewer.go(points[index]?.id) });
  const summary = el('p', { class: 'summary', testid: 'series-summary' });
  const rows = el('tbody', { testid: 'series-rows' });
  const table = el('div', { class: 'scroll short' }, el('table', { class: 'facts' }, el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'Frame'), el('th', { scope: 'col', class: 'right' }, 'Value'))), rows));
  const element = el('div', { class: 'panel series' }, el('div', { class: 'row' }, what), hint, place, plot.element, summary, table);
  let points = [];

  const ask = asking('series', place, async (signal, ids, where) => {
    const told = await getJson('series', { ids: ids.join(','), ...where }, { signal });
    points = told.points;
    summary.textContent = `${points.length} frames · median ${shown(told.median, 6)} · spread ${shown(told.spread, 4)} ${told.unit ?? ''} · ${points.filter((p) => p.outlier).length} outliers`;
    rows.replaceChildren(...points.map((point) => el('tr', { class: point.outlier ? 'odd' : null }, el('td', {}, el('button', { type: 'button', class: 'link', onclick: () => viewer.go(point.id) }, nameOf(point.id))),
      el('td', { class: 'right' }, shown(point.value, 7), point.outlier ? ' outlier' : ''))));
    draw(told);
  });

  function draw(told) {
    const at = points.findIndex((point) => point.id === state().frame);
    const x = points.map((_, i) => i + 1);
    const level = (value) => ({ kind: 'line', x: [0.5, points.length + 0.5], y: [value, value], tone: 'series-2', dashed: true });
    plot.show({
      series: [{ kind: 'points', x, y: points.map((p) => p.value), odd: points.map((p) => p.outlier) }, ...(told.median === null || told.median === undefined ? [] : [level(told.median)])],
      x: 'frame', names: points.map((p) => nameOf(p.id)), current: at < 0 ? null : at, caption: `Value through the stack${told.unit ? ` (${told.unit})` : ''}`,
    });
    last = told;
  }
  let last = null;

  function show() {
    const now = state();
    const wanted = what.querySelector('select').value;
    const shape = viewer.details?.shape;
    const ids = sequence().filter((id) => !shape || String(frame(id)?.shape ?? shape) === String(shape)).slice(0, MOST);
    const missing = wanted === 'pixel' ? now.px === null : !now.region;
    hint.textContent = missing ? (wanted === 'pixel' ? 'Click a pixel to see it in every frame of the stack.' : 'Mark a box (Shift and drag) to see its mean in every frame.')
      : now.stack.length > 1 ? `Through the ${ids.length} chosen frames.` : `Through the ${ids.length} frames listed; choose others in the night table.`;
    plot.element.hidden = missing;
    table.hidden = missing;
    summary.hidden = missing;
    if (missing || !ids.length) { ask(null); return; }
    const where = wanted === 'pixel' ? { x: now.px, y: now.py } : { x0: now.region[0], x1: now.region[1], y0: now.region[2], y1: now.region[3] };
    ask(JSON.stringify([ids, where]), ids, where);
    if (last && points.length) draw(last);
  }
  return { element, show };
}
