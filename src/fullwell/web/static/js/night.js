/** The night: all frames of the folder as a table, with filters, order, groups to drill into, and problems. */

import { button, check, choice, el, entry, fillChoice, notice, shownBytes } from './dom.js';
import { chosen, COLUMNS, FACETS, facetValues, folderOf, groups } from './filters.js';
import { frames, onFrames, remarks, scanning, suffixOf } from './library.js';
import { DEFAULTS, state, update } from './store.js';

const STEP = 300; // rows in the table before "more" is asked for
const REMARKS = 3; // sentences about what was left out

/** Build the view. */
export function nightView() {
  let most = STEP;
  const text = entry('search', 'Search', state().q, (q) => update({ q }), { live: true, placeholder: 'name, folder, date …' });
  const facets = FACETS.map(([name, label]) => choice(`filter-${name}`, label, [['', 'all']], '', (value) => update({ [name]: value }, { push: true })));
  const problems = check('filter-problems', 'problems only', false, (value) => update({ problems: value }, { push: true }));
  const clear = button('clear', 'Clear', () => update(cleared(), { push: true }), { title: 'Show all frames' });
  const tally = el('p', { class: 'tally', testid: 'tally', role: 'status' });
  const actions = el('div', { class: 'actions', testid: 'actions' });
  const body = el('tbody', { testid: 'night-rows' });
  const head = el('tr');
  const more = button('more', 'Show more', () => { most += STEP; show(); });
  const empty = el('div');
  const leftOut = el('div', { class: 'left-out', testid: 'left-out' });
  const tree = el('ul', { class: 'groups', testid: 'groups' });
  const element = el('div', { class: 'night' },
    el('details', { class: 'side', open: matchMedia('(min-width: 900px)').matches }, el('summary', {}, 'Groups'), tree),
    el('div', { class: 'main' },
      el('div', { class: 'filters', role: 'search' }, text, facets, problems, clear),
      el('div', { class: 'between' }, tally, actions),
      el('div', { class: 'scroll' }, el('table', { class: 'frames' }, el('caption', { class: 'unseen' }, 'Frames of the folder'), el('thead', {}, head), body)),
      leftOut, empty, more));
  onFrames(() => { if (state().view === 'night') show(); });

  function show() {
    const now = state();
    const all = frames();
    const listed = chosen(all, now);
    text.querySelector('input').value = now.q;
    problems.querySelector('input').checked = now.problems;
    FACETS.forEach(([name, , value], i) => {
      const values = facetValues(all, value);
      facets[i].hidden = values.length < 2 && !now[name];
      fillChoice(facets[i].querySelector('select'), [['', 'all'], ...values.map(([v, n]) => [v, `${v} (${n})`])], now[name]);
    });
    clear.disabled = FACETS.every(([name]) => !now[name]) && !now.q && !now.problems;
    const bad = all.filter((f) => f.problem).length;
    tally.textContent = [
      listed.length === all.length ? `${all.length} frames` : `${listed.length} of ${all.length} frames`,
      bad ? `${bad} with a problem` : '', scanning() ? 'still looking …' : '',
    ].filter(Boolean).join(' · ');
    head.replaceChildren(el('th', { scope: 'col' }, stackBox(listed, now)), ...COLUMNS.map((column) => headCell(column, now)));
    body.replaceChildren(...listed.slice(0, most).map((f) => row(f, now)));
    more.hidden = listed.length <= most;
    empty.replaceChildren(...(listed.length || scanning() ? [] : [notice(all.length ? 'No frame passes these filters.' : 'There is no FITS file in this folder.', { testid: 'empty' })]));
    leftOut.replaceChildren(...shortList(remarks()).map((sentence) => notice(sentence)));
    actions.replaceChildren(...stackActions(now));
    tree.replaceChildren(...groups(all).map((group) => groupItem(group, now)));
  }
  return { element, show };
}

function shortList(sentences) {
  const rest = sentences.length - REMARKS;
  return rest > 0 ? [...sentences.slice(0, REMARKS), `So it is with ${rest} more.`] : sentences;
}

function cleared() {
  return Object.fromEntries(['q', 'problems', ...FACETS.map(([name]) => name)].map((name) => [name, DEFAULTS[name]]));
}

function groupItem(group, now) {
  const active = Object.entries(group.values).every(([name, value]) => now[name] === value) && Object.values(group.values).some(Boolean);
  return el('li', {}, el('button', {
    type: 'button', testid: 'group', 'aria-pressed': String(active),
    onclick: () => update(active ? cleared() : { ...cleared(), ...group.values }, { push: true }),
  }, el('span', {}, group.title), el('span', { class: group.problems ? 'count bad' : 'count' }, String(group.count))));
}

function headCell(column, now) {
  const down = now.sort === `-${column.name}`;
  const up = now.sort === column.name;
  const turn = () => update({ sort: up ? `-${column.name}` : down ? '' : column.name }, { push: true });
  return el('th', {
    scope: 'col', class: [column.number ? 'right' : '', column.wide ? 'wide-only' : ''].join(' ').trim() || null,
    'aria-sort': up ? 'ascending' : down ? 'descending' : 'none',
  }, el('button', { type: 'button', testid: `sort-${column.name}`, onclick: turn }, column.title, column.unit ? el('span', { class: 'unit' }, ` ${column.unit}`) : null));
}

function stackBox(listed, now) {
  const ids = listed.filter((f) => f.shape).map((f) => f.id);
  const all = ids.length > 0 && ids.every((id) => now.stack.includes(id));
  const box = el('input', {
    type: 'checkbox', testid: 'choose-all', 'aria-label': 'Choose all frames shown',
    onchange: () => update({ stack: all ? now.stack.filter((id) => !ids.includes(id)) : [...new Set([...now.stack, ...ids])] }),
  });
  box.checked = all;
  return box;
}

function row(f, now) {
  const box = el('input', {
    type: 'checkbox', testid: 'choose', 'aria-label': `Choose ${f.name}${suffixOf(f.id)}`, disabled: !f.shape,
    onchange: () => update({ stack: box.checked ? [...state().stack, f.id] : state().stack.filter((id) => id !== f.id) }),
  });
  box.checked = now.stack.includes(f.id);
  const cells = COLUMNS.map((column) => el('td', { class: [column.number ? 'right' : '', column.wide ? 'wide-only' : ''].join(' ').trim() || null }, CELLS[column.name](f)));
  return el('tr', { testid: 'night-row', class: f.problem ? 'bad' : null, 'aria-current': f.id === now.frame ? 'true' : null }, el('td', {}, box), ...cells);
}

const CELLS = {
  name: (f) => [
    el('button', { type: 'button', class: 'link', testid: 'open-frame', title: [folderOf(f), f.name].filter(Boolean).join('/'), onclick: () => update({ view: 'frame', frame: f.id }, { push: true }) }, f.name),
    suffixOf(f.id) ? el('small', { testid: 'suffix' }, suffixOf(f.id)) : null,
    f.problem ? el('span', { class: 'problem', testid: 'problem' }, f.problem) : null,
  ],
  type: (f) => f.type ?? '–',
  filter: (f) => f.filter ?? '–',
  exposure: (f) => (f.exposure_time === null ? '–' : String(Number(f.exposure_time.toPrecision(6)))),
  temperature: (f) => (f.temperature === null ? '–' : f.temperature.toFixed(1)),
  date: (f) => (f.date ?? '–').replace('T', ' ').slice(0, 19),
  kind: (f) => f.kind ?? '',
  shape: (f) => (f.shape ? `${f.shape[1]} × ${f.shape[0]}` : '–'),
  bytes: (f) => shownBytes(f.bytes),
};

/** What can be done with the chosen frames. */
function stackActions(now) {
  const [first, second] = now.stack;
  const go = (changes) => () => update({ view: 'frame', frame: first, ...changes }, { push: true });
  const count = now.stack.length;
  if (count === 0) return [el('span', { class: 'hint' }, 'Choose frames to blink, compare or stack them.')];
  return [
    el('span', { testid: 'stack-count' }, `${count} chosen`),
    count > 1 ? button('open-stack', 'Open as stack', go({ mode: 'one' })) : null,
    count > 1 ? button('open-blink', 'Blink', go({ mode: 'one', blink: true })) : null,
    count === 2 ? button('open-side', 'Side by side', go({ mode: 'side', other: second })) : null,
    count === 2 ? button('open-difference', 'Difference', go({ mode: 'difference', other: second })) : null,
    count === 2 ? button('open-headers', 'Compare headers', () => update({ view: 'headers', a: first, b: second }, { push: true })) : null,
    button('clear-stack', 'Clear choice', () => update({ stack: [] })),
  ].filter(Boolean);
}
