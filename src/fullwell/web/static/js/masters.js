/** Masters: what each was made from, and which frames used it. */

import { getJson } from './api.js';
import { asking } from './asking.js';
import { el, notice } from './dom.js';
import { frame, frames, onFrames } from './library.js';
import { state, update } from './store.js';

const FEW = 6; // names shown before the rest is folded away

/** Build the view. */
export function mastersView() {
  const place = el('div');
  const body = el('div', { testid: 'masters' });
  const element = el('div', { class: 'page masters' }, el('h2', {}, 'Masters'), place, body);
  let generation = 0;
  onFrames(() => { generation += 1; if (state().view === 'masters') show(); });
  const ask = asking('masters', place, async (signal) => {
    const { masters } = await getJson('masters', {}, { signal });
    const row = ({ id, name, type, made_from: parts, used_by: users }) => el('tr', { testid: 'master' },
      el('th', { scope: 'row' }, link(id, name)), el('td', {}, type ?? '–'), el('td', {}, names(parts)), el('td', {}, names(users)));
    body.replaceChildren(masters.length
      ? el('div', { class: 'scroll' }, el('table', { class: 'facts' }, el('thead', {}, el('tr', {}, ...['Master', 'Type', 'Made from', 'Used by'].map((title) => el('th', { scope: 'col' }, title)))), el('tbody', {}, ...masters.map(row))))
      : notice('There is no master in this folder. fullwell reduce makes them.', { testid: 'masters-none' }));
  });
  const show = () => ask(`masters ${generation}`);
  return { element, show };
}

/** A frame by id or name: a link where it is known, else its name. */
function link(key, text = null) {
  const found = frame(key) ?? frames().find((f) => f.name === key);
  const label = text ?? found?.name ?? key;
  if (!found) return el('span', {}, label);
  return el('button', { type: 'button', class: 'link', testid: 'open-master', onclick: () => update({ view: 'frame', frame: found.id, mode: 'one' }, { push: true }) }, label);
}

function names(keys) {
  if (!keys?.length) return '–';
  const items = keys.map((key) => el('li', {}, link(key)));
  if (keys.length <= FEW) return el('ul', { class: 'names' }, ...items);
  return el('details', {}, el('summary', {}, `${keys.length} frames`), el('ul', { class: 'names' }, ...items));
}
