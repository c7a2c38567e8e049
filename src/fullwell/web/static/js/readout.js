/** The read-out: what is under the cursor, from the tile at once where it can be, from the server with all that belongs to it. */

import { getJson, isCancelled, newest, words } from './api.js';
import { el, shown } from './dom.js';
import { whenQuiet } from './idle.js';
import { state } from './store.js';

const FIELDS = [
  ['value', 'value'], ['fits', 'FITS'], ['numpy', 'numpy'], ['electrons', 'electrons'], ['sigma', 'σ'],
  ['amplifier', 'amplifier'], ['section', 'section'], ['flags', 'flags'],
];

/** The line under the picture. */
export class Readout {
  constructor(viewer) {
    this.viewer = viewer;
    this.cells = Object.fromEntries(FIELDS.map(([name]) => [name, el('dd', { testid: `read-${name}` }, '–')]));
    this.trouble = el('p', { class: 'notice error read-trouble', testid: 'read-trouble', role: 'status', hidden: true });
    const list = el('dl', { class: 'readout', testid: 'readout', 'aria-label': 'Read-out' }, FIELDS.map(([name, title]) => el('div', { class: `read-${name}` }, el('dt', {}, title), this.cells[name])));
    this.element = el('div', {}, list, this.trouble);
    this.at = null;
    this.ask = whenQuiet(25, () => this.fetch());
  }

  /** The pointer is over a pixel of a pane; null when it left. */
  hover(pane, x, y) {
    const source = pane.source;
    const inside = source && x !== null && x >= 0 && y >= 0 && y < source.shape[0] && x < source.shape[1];
    if (inside) this.read(pane, x, y);
    else this.show();
  }

  /** Without a pointer, the pinned pixel is read. */
  show() {
    const { px, py } = state();
    const pane = this.viewer.panes[0];
    if (px === null || !pane.source) this.clear();
    else this.read(pane, px, py);
  }

  clear() {
    this.at = null;
    this.say(null);
    for (const cell of Object.values(this.cells)) cell.textContent = '–';
  }

  /** Say in a line of its own why there are no values; null takes it away. */
  say(text) {
    this.trouble.hidden = text === null;
    this.trouble.textContent = text ?? '';
  }

  read(pane, x, y) {
    const { source } = pane;
    const key = `${source.id} ${source.details.version} ${source.plane} ${x} ${y}`;
    if (this.at?.key === key) return;
    this.at = { key, source, x, y };
    this.say(null);
    this.cells.fits.textContent = `${x + 1}, ${y + 1}`;
    this.cells.numpy.textContent = `[${y}, ${x}]`;
    const value = source.value(x, y);
    this.cells.value.textContent = value === undefined ? '…' : withUnit(value, source);
    for (const name of ['electrons', 'sigma', 'amplifier', 'section', 'flags']) this.cells[name].textContent = source.two ? '–' : '…';
    this.ask();
  }

  async fetch() {
    const { at } = this;
    if (!at) return;
    const { source, x, y } = at;
    try {
      const signal = newest('value');
      const ids = source.two ? [source.one.id, source.two.id] : [source.id];
      const told = await Promise.all(ids.map((id) => getJson(`frames/${encodeURIComponent(id)}/value`, { x, y }, { signal })));
      if (this.at !== at) return;
      if (source.two) this.cells.value.textContent = withUnit(told[0].value - told[1].value, source);
      else this.fillIn(told[0], source);
    } catch (error) {
      if (isCancelled(error) || this.at !== at) return;
      this.clear(); // the same pixel may be asked for again
      this.say(words(error));
      await this.viewer.lookAgain();
    }
  }

  fillIn(told, source) {
    const place = told.amplifier_x === null || told.amplifier_x === undefined ? '' : ` (${told.amplifier_x}, ${told.amplifier_y})`;
    if (source.plane === 'data') this.cells.value.textContent = withUnit(told.value, source);
    this.cells.electrons.textContent = told.electrons === null || told.electrons === undefined ? '–' : `${shown(told.electrons, 6)} e-`;
    this.cells.sigma.textContent = told.variance > 0 ? shown(Math.sqrt(told.variance), 4) : '–';
    this.cells.amplifier.textContent = told.amplifier ? `${told.amplifier}${place}` : '–';
    this.cells.section.textContent = told.section ?? '–';
    this.cells.flags.textContent = told.flags?.length ? told.flags.join(' ') : 'none';
  }
}

function withUnit(value, source) {
  if (value === null || Number.isNaN(value)) return 'no value';
  const unit = source.plane === 'data' ? source.details.unit : source.plane;
  return `${Number.isInteger(value) ? value : shown(value, 7)}${unit ? ` ${unit}` : ''}`;
}
