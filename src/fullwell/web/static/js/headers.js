/** Headers: all cards of a frame with a search, and the difference of two headers. */

import { getJson } from './api.js';
import { asking } from './asking.js';
import { choice, el, entry, fillChoice, notice } from './dom.js';
import { frames, nameOf, onFrames, sequence } from './library.js';
import { state, update } from './store.js';

/** The panel beside the picture: cards of the frame shown. */
export function cardsPanel(viewer) {
  const search = entry('cards-search', 'Search', '', () => draw(), { live: true, placeholder: 'keyword, value or comment' });
  const place = el('div');
  const list = el('div', { class: 'scroll', testid: 'cards' });
  const element = el('div', { class: 'panel cards' }, search, place, list);
  let hdus = [];
  const ask = asking('cards', place, async (signal, id) => {
    hdus = (await getJson(`frames/${encodeURIComponent(id)}/header`, {}, { signal })).hdus;
    draw();
  });
  const draw = () => list.replaceChildren(...cardTables(hdus, search.querySelector('input').value));
  return { element, show: () => (viewer.details ? ask(`${viewer.details.id} ${viewer.details.version}`, viewer.details.id) : ask(null)) };
}

/** The view: one header, or two side by side. */
export function headersView() {
  const first = choice('header-a', 'Header of', [], '', (a) => update({ a }, { push: true }));
  const second = choice('header-b', 'compared with', [], '', (b) => update({ b }, { push: true }));
  const search = entry('header-search', 'Search', '', (hq) => update({ hq }), { live: true, placeholder: 'keyword, value or comment' });
  const place = el('div');
  const body = el('div', { class: 'headers-body', testid: 'headers-body' });
  const element = el('div', { class: 'page headers' }, el('div', { class: 'filters' }, first, second, search), place, body);
  let told = null;
  const ask = asking('headers', place, async (signal, a, b) => {
    told = null;
    const answer = b ? await getJson('headers', { a, b }, { signal }) : await getJson(`frames/${encodeURIComponent(a)}/header`, {}, { signal });
    told = { a, b, answer };
    draw();
  });
  onFrames(() => { if (state().view === 'headers') show(); });

  function draw() {
    if (!told) return;
    const query = state().hq;
    body.replaceChildren(...(told.b ? difference(told, query) : cardTables(told.answer.hdus, query)));
  }

  function show() {
    const now = state();
    const ids = [...new Set([...sequence(), ...frames().map((f) => f.id), now.a, now.b].filter(Boolean))].slice(0, 3000);
    const a = now.a || now.frame || ids[0] || '';
    fillChoice(first.querySelector('select'), ids.map((id) => [id, nameOf(id)]), a);
    fillChoice(second.querySelector('select'), [['', 'nothing'], ...ids.filter((id) => id !== a).map((id) => [id, nameOf(id)])], now.b);
    const box = search.querySelector('input');
    if (document.activeElement !== box) box.value = now.hq;
    if (!a) { body.replaceChildren(notice('There is no frame whose header could be shown.')); return; }
    ask(JSON.stringify([a, now.b]), a, now.b === a ? '' : now.b);
    draw();
  }
  return { element, show };
}

/** Tables of the cards that hold all words of the search, one for each HDU. */
function cardTables(hdus, query) {
  const terms = query.toLowerCase().split(/\s+/).filter(Boolean);
  const tables = hdus.map(({ index, name, cards }) => {
    const found = cards.filter((card) => terms.every((term) => card.join(' ').toLowerCase().includes(term)));
    if (!found.length) return null;
    return el('section', { class: 'hdu' }, el('h3', {}, `HDU ${index}${name ? ` ${name}` : ''}`, el('small', {}, ` ${found.length === cards.length ? cards.length : `${found.length} of ${cards.length}`} cards`)),
      el('table', { class: 'cards' }, el('tbody', {}, ...found.map(([keyword, value, comment]) => el('tr', { testid: 'card' },
        el('th', { scope: 'row' }, keyword), el('td', { class: 'value' }, valueText(value)), el('td', { class: 'comment' }, comment ?? ''))))));
  }).filter(Boolean);
  return tables.length ? tables : [notice(query ? 'No card has these words.' : 'This file has no header.', { testid: 'no-cards' })];
}

function difference({ a, b, answer }, query) {
  const terms = query.toLowerCase().split(/\s+/).filter(Boolean);
  const words = (entry) => (Array.isArray(entry) ? entry.map(valueText).join(' ') : valueText(entry)).toLowerCase();
  const passing = (entries) => entries.filter((entry) => terms.every((term) => words(entry).includes(term)));
  const row = (kind, keyword, one, two) => el('tr', { testid: 'difference', class: kind }, el('th', { scope: 'row' }, keyword), el('td', { class: 'value' }, one), el('td', { class: 'value' }, two));
  const pairOf = (entry) => (Array.isArray(entry) ? [entry[0], valueText(entry[1])] : [String(entry), 'there']);
  const rows = [
    ...passing(answer.differ).map(([keyword, one, two]) => row('differ', keyword, valueText(one), valueText(two))),
    ...passing(answer.only_a).map(pairOf).map(([keyword, value]) => row('only', keyword, value, '')),
    ...passing(answer.only_b).map(pairOf).map(([keyword, value]) => row('only', keyword, '', value)),
  ];
  const count = answer.differ.length + answer.only_a.length + answer.only_b.length;
  return [
    el('p', { class: 'summary', testid: 'headers-summary' }, `${count} cards differ, ${answer.same} are the same.`),
    rows.length ? el('div', { class: 'scroll' }, el('table', { class: 'cards two' }, el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'Keyword'), el('th', { scope: 'col' }, nameOf(a)), el('th', { scope: 'col' }, nameOf(b)))), el('tbody', {}, ...rows)))
      : notice(count ? 'No differing card has these words.' : 'The headers are the same.'),
  ];
}

const valueText = (value) => (value === null || value === undefined ? '' : value === true ? 'T' : value === false ? 'F' : String(value));
