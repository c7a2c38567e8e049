/** Region: statistics, histogram, cuts through the pixel and projections of a box. */

import { getJson } from './api.js';
import { asking } from './asking.js';
import { button, check, choice, el, entry, notice, shown } from './dom.js';
import { gaussianLine, Plot } from './plots.js';
import { state, update } from './store.js';

const STATISTICS = [
  ['n', 'pixels'], ['masked', 'masked'], ['mean', 'mean'], ['median', 'median'], ['std', 'std'], ['mad_std', 'std from MAD'],
  ['clipped_mean', 'clipped mean'], ['clipped_std', 'clipped std'], ['minimum', 'minimum'], ['maximum', 'maximum'],
];

/** Build the panel. */
export function regionPanel(viewer) {
  const corners = ['x0', 'x1', 'y0', 'y1'].map((name, i) => entry(`region-${name}`, name, '', (text) => setCorner(viewer, i, text)));
  const circle = check('region-circle', 'ellipse inside', false, (value) => update({ circle: value }));
  const whole = button('region-clear', 'Whole frame', () => update({ region: null }, { push: true }));
  const table = el('tbody', { testid: 'statistics' });
  const caption = el('h3', { testid: 'region-title' });
  const place = el('div');
  const histogram = new Plot('histogram', { label: 'Histogram' });
  const axis = choice('cut-axis', 'Along', [['row', 'the row (x)'], ['column', 'the column (y)']], 'row', () => show());
  const average = choice('projection-average', 'Average', [['mean', 'mean'], ['median', 'median']], 'median', () => show());
  const projection = new Plot('projection', { label: 'Projection of the region', height: 150 });
  const cut = new Plot('cut', { label: 'Cut through the pixel', height: 150 });
  const cutHint = notice('Click a pixel for the cut through it.', { testid: 'cut-hint' });
  const element = el('div', { class: 'panel region' }, caption, el('div', { class: 'corners' }, ...corners), el('div', { class: 'row' }, circle, whole),
    place, el('table', { class: 'facts' }, el('caption', { class: 'unseen' }, 'Statistics'), table), histogram.element,
    el('div', { class: 'row' }, axis, average), projection.element, cutHint, cut.element);

  const ask = asking('region', place, async (signal, id, where, along, how) => {
    const path = `frames/${encodeURIComponent(id)}`;
    const box = { x0: where.x0, x1: where.x1, y0: where.y0, y1: where.y1 };
    const [numbers, counts, profile] = await Promise.all([
      getJson(`${path}/statistics`, where, { signal }), getJson(`${path}/histogram`, where, { signal }),
      getJson(`${path}/projection`, { axis: along, average: how, ...box }, { signal }),
    ]);
    table.replaceChildren(...STATISTICS.map(([name, title]) => el('tr', {}, el('th', { scope: 'row' }, title), el('td', { testid: `stat-${name}` }, shown(numbers[name], 6)))));
    const gauss = gaussianLine(counts);
    histogram.show({
      series: [{ kind: 'steps', x: counts.edges, y: counts.counts }, ...(gauss ? [gauss] : [])], logy: true, x: counts.unit ?? '',
      caption: gauss ? `Histogram, Gaussian ${shown(counts.gaussian.mean, 6)} ± ${shown(counts.gaussian.sigma, 4)}` : 'Histogram',
    });
    projection.show({ series: [{ kind: 'line', x: profile.positions, y: profile.values }], x: along === 'row' ? 'x' : 'y', caption: `Projection (${how})` });
  });
  const askCut = asking('cut', cutHint, async (signal, id, along, at) => {
    const told = await getJson(`frames/${encodeURIComponent(id)}/cut`, { axis: along, at }, { signal });
    cut.show({ series: [{ kind: 'line', x: told.positions, y: told.values }], x: along === 'row' ? 'x' : 'y', caption: along === 'row' ? `Cut at y = ${at}` : `Cut at x = ${at}` });
  });

  function show() {
    const now = state();
    const shape = viewer.details?.shape;
    const box = now.region ?? (shape ? [0, shape[1], 0, shape[0]] : null);
    corners.forEach((corner, i) => { const input = corner.querySelector('input'); if (document.activeElement !== input) input.value = box ? box[i] : ''; });
    circle.querySelector('input').checked = now.circle;
    whole.disabled = !now.region;
    caption.textContent = now.region ? `${box[1] - box[0]} × ${box[3] - box[2]} pixels` : 'Whole frame';
    if (!viewer.details || !shape) { ask(null); askCut(null); return; }
    const [along, how] = [axis.querySelector('select').value, average.querySelector('select').value];
    const where = { ...(now.region ? { x0: box[0], x1: box[1], y0: box[2], y1: box[3] } : {}), ...(now.circle ? { shape: 'circle' } : {}) };
    ask(JSON.stringify([viewer.details.id, viewer.details.version, where, along, how]), viewer.details.id, where, along, how);
    const pinned = now.px !== null;
    cut.element.hidden = !pinned;
    cutHint.hidden = pinned;
    const at = along === 'row' ? now.py : now.px;
    askCut(pinned ? JSON.stringify([viewer.details.id, viewer.details.version, along, at]) : null, viewer.details.id, along, at);
  }
  return { element, show };
}

function setCorner(viewer, index, text) {
  const shape = viewer.details?.shape;
  if (!shape) return;
  const box = [...(state().region ?? [0, shape[1], 0, shape[0]])];
  box[index] = Math.round(Number(text));
  const fits = box.every(Number.isInteger) && box[0] >= 0 && box[2] >= 0 && box[0] < box[1] && box[2] < box[3] && box[1] <= shape[1] && box[3] <= shape[0];
  if (fits) update({ region: box }, { push: true });
  else viewer.side.show();
}
