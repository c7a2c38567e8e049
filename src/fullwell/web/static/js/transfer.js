/** Photon transfer: variance against mean of the pairs of flats, the model through them, and what is left; a point leads to its pair. */

import { getJson } from './api.js';
import { asking } from './asking.js';
import { button, check, choice, el, fillChoice, notice, shown } from './dom.js';
import { nameOf } from './library.js';
import { Plot } from './plots.js';
import { state, update } from './store.js';

/** Build the view. */
export function transferView() {
  const set = choice('ptc-set', 'Flats', [], '', (value) => update({ set: value, amplifier: '', point: null }, { push: true }));
  const amplifier = choice('ptc-amplifier', 'Amplifier', [], '', (value) => update({ amplifier: value, point: null }, { push: true }));
  amplifier.hidden = true; // until more than one is known
  const model = choice('ptc-model', 'Model', [['', 'as stored']], '', (value) => update({ model: value }, { push: true }));
  const logarithmic = check('ptc-log', 'logarithmic', false, (value) => update({ logarithmic: value }));
  const place = el('div');
  const setsPlace = el('div');
  const none = el('div');
  const measuring = notice('Measuring the photon transfer curves of these flats …', { testid: 'ptc-measuring', role: 'status' });
  const trouble = el('div');
  const results = el('dl', { class: 'tiles', testid: 'ptc-results' });
  const choose = (index) => update({ point: index });
  const curve = new Plot('ptc-plot', { label: 'Variance against mean', height: 340, onpoint: choose });
  const residuals = new Plot('ptc-residuals', { label: 'Residuals in units of the error', height: 150, onpoint: choose });
  const pair = el('div', { class: 'pair', testid: 'ptc-pair', role: 'status' });
  const rows = el('tbody', { testid: 'ptc-rows' });
  const heads = [['Mean', 'ADU'], ['Variance', 'ADU²'], ['Error', ''], ['Residual', 'σ'], ['Time', 's'], ['Pair', '']];
  const table = el('div', { class: 'scroll' }, el('table', { class: 'facts' }, el('caption', { class: 'unseen' }, 'Points of the curve'),
    el('thead', {}, el('tr', {}, ...heads.map(([title, unit]) => el('th', { scope: 'col', class: 'right' }, title, unit ? el('span', { class: 'unit' }, ` ${unit}`) : null)))), rows));
  const content = el('div', { class: 'ptc' }, results, el('div', { class: 'plots' }, curve.element, residuals.element, pair), table);
  const element = el('div', { class: 'page transfer' }, el('div', { class: 'filters' }, set, amplifier, model, logarithmic), setsPlace, place, none, measuring, trouble, content);
  let sets = null;
  let told = null;

  const askSets = asking('ptc-sets', setsPlace, async (signal) => {
    const answer = await getJson('photon-transfer', {}, { signal });
    sets = answer;
    queueMicrotask(show);
  });
  const ask = asking('ptc', place, async (signal, id, which, how) => {
    told = null;
    draw();
    told = await getJson(`photon-transfer/${encodeURIComponent(id)}`, { amplifier: which || null, model: how || null }, { signal }).finally(() => { if (!signal.aborted) measuring.hidden = true; });
    draw();
  });

  function draw() {
    measuring.hidden = Boolean(told);
    content.hidden = !told;
    trouble.replaceChildren(...[told?.problem, told?.trouble].filter(Boolean).map((text) => notice(text, { tone: 'error', testid: 'ptc-trouble' })));
    if (!told) return;
    const now = state();
    fillChoice(amplifier.querySelector('select'), told.amplifiers.map((name) => [name, name]), now.amplifier || told.amplifier || told.amplifiers[0]);
    amplifier.hidden = told.amplifiers.length < 2;
    const models = told.models ?? [...new Set(['linear', 'full', told.model])];
    fillChoice(model.querySelector('select'), models.map((name) => [name, name]), now.model || told.model);
    results.replaceChildren(...numbers(told));
    const points = told.points;
    const used = points.map((p) => !p.used);
    const current = now.point !== null && points[now.point] ? now.point : null;
    const names = points.map((p) => `${shown(p.exposure_time, 4)} s`);
    curve.show({
      series: [{ kind: 'line', x: told.curve.mean, y: told.curve.variance, tone: 'series-2' },
        { kind: 'points', x: points.map((p) => p.mean), y: points.map((p) => p.variance), error: points.map((p) => p.error), odd: used }],
      x: 'mean (ADU)', logx: now.logarithmic, logy: now.logarithmic, zero: true, names, current, caption: 'Variance (ADU²) against mean',
    });
    residuals.show({
      series: [{ kind: 'points', x: points.map((p) => p.mean), y: points.map(pull), odd: used },
        ...(points.length ? [{ kind: 'line', x: [Math.min(...points.map((p) => p.mean)), Math.max(...points.map((p) => p.mean))], y: [0, 0], tone: 'series-2', dashed: true }] : [])],
      x: 'mean (ADU)', logx: now.logarithmic, names, current, caption: 'Residuals (in units of the error)',
    });
    rows.replaceChildren(...points.map((point, index) => pointRow(point, index, current)));
    pair.replaceChildren(...(current === null ? [el('span', { class: 'hint' }, 'Choose a point, by click or with the arrow keys and Enter, to see its pair.')] : pairOf(points[current])));
  }

  function pointRow(point, index, current) {
    const numbersOf = [point.mean, point.variance, point.error, pull(point), point.exposure_time].map((value, i) => el('td', { class: 'right' }, shown(value, i > 1 ? 3 : 6)));
    return el('tr', { testid: 'ptc-row', class: point.used ? null : 'odd', 'aria-current': index === current ? 'true' : null }, ...numbersOf,
      el('td', { class: 'right' }, point.pair ? button('ptc-open', 'open', () => openPair(point), { kind: 'link' }) : '–', point.used ? '' : ' not used'));
  }

  function show() {
    const now = state();
    logarithmic.querySelector('input').checked = now.logarithmic;
    askSets('sets');
    if (!sets?.sets.length) { content.hidden = true; measuring.hidden = true; }
    if (!sets) return;
    const problem = sets.problem ?? (sets.sets.length ? null : 'There are no pairs of flats of equal exposure time in this folder.');
    none.replaceChildren(...(problem ? [notice(problem, { testid: 'ptc-none' })] : []));
    fillChoice(set.querySelector('select'), sets.sets.map(({ id, label, pairs }) => [id, `${label}${pairs ? ` (${pairs} pairs)` : ''}`]), now.set || sets.sets[0]?.id || '');
    if (!sets.sets.length) return;
    const id = now.set || sets.sets[0].id;
    ask(JSON.stringify([id, now.amplifier, now.model]), id, now.amplifier, now.model);
    if (told) draw();
  }
  return { element, show };
}

/** A residual in units of its error. */
const pull = ({ residual, error }) => (residual === null || !(error > 0) ? null : residual / error);

function numbers(told) {
  const well = told.full_well?.[0] ?? null;
  const limit = told.full_well_is_lower_limit && well > 0;
  return [
    ['Gain', measured(told.gain, 'e-/ADU')], ['Read noise', measured(told.read_noise, 'e-')], ['a00', measured(told.a00, '1/e-')],
    ['Full well', limit ? [`> ${shown(well, 5)}`, unitOf('ADU, not reached')] : well > 0 ? [shown(well, 5), unitOf('ADU')] : ['not determined']],
  ].map(([title, content]) => el('div', { class: 'tile' }, el('dt', {}, title), el('dd', {}, ...content)));
}

const unitOf = (unit) => el('span', { class: 'unit' }, ` ${unit}`);

/** A number with its error; one that its own error swallows says nothing. */
function measured([value, error], unit) {
  if (value === null || error === null || error > Math.abs(value)) return ['not determined'];
  return [shown(value, 5), el('span', { class: 'error' }, ` ± ${shown(error, 2)}`), unitOf(unit)];
}

function pairOf(point) {
  return [
    el('span', {}, `${shown(point.exposure_time, 4)} s, mean ${shown(point.mean, 6)} ADU: `),
    point.pair ? el('span', { class: 'names' }, point.pair.map(nameOf).join(' and ')) : null,
    point.pair ? button('ptc-side', 'Side by side', () => openPair(point)) : null,
    point.pair ? button('ptc-difference', 'Difference', () => openPair(point, 'difference')) : null,
  ].filter(Boolean);
}

function openPair({ pair }, mode = 'side') {
  update({ view: 'frame', frame: pair[0], other: pair[1], mode, stack: [...pair] }, { push: true });
}
