/** The panels beside the picture; one is open at a time and only that one asks the server. */

import { el, notice } from './dom.js';
import { hotPixelPanel } from './hotpixels.js';
import { cardsPanel } from './headers.js';
import { masksPanel } from './masks.js';
import { pixelPanel } from './pixels.js';
import { regionPanel } from './region.js';
import { seriesPanel } from './series.js';
import { state, update } from './store.js';

/** The panels: name, title, and what builds one. */
export const PANELS = [
  ['region', 'Region', regionPanel], ['series', 'Series', seriesPanel], ['pixels', 'Pixels', pixelPanel],
  ['masks', 'Masks', masksPanel], ['hot', 'Hot', hotPixelPanel], ['cards', 'Header', cardsPanel],
];

/** Build the tabs and panels of a viewer. */
export function panels(viewer) {
  const made = new Map(PANELS.map(([name, , build]) => [name, build(viewer)]));
  const tabs = PANELS.map(([name, title]) => el('button', {
    type: 'button', role: 'tab', id: `tab-${name}`, testid: `panel-${name}`, 'aria-controls': 'panel', onclick: () => update({ panel: name }),
  }, title));
  const nothing = el('div', { class: 'panel' }, notice('There is nothing to measure.', { testid: 'no-measurement' }));
  const place = el('div', { role: 'tabpanel', id: 'panel', tabindex: -1 });
  const bar = el('div', { class: 'tabs', role: 'tablist', 'aria-label': 'Panels', onkeydown: turn }, ...tabs);
  const element = el('div', { class: 'panel-box' }, bar, place);

  function turn(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = PANELS.findIndex(([name]) => name === state().panel);
    const next = (at + step + PANELS.length) % PANELS.length;
    update({ panel: PANELS[next][0] });
    tabs[next].focus();
    event.preventDefault();
  }

  function show() {
    const name = made.has(state().panel) ? state().panel : 'region';
    PANELS.forEach(([each], i) => {
      tabs[i].setAttribute('aria-selected', String(each === name));
      tabs[i].tabIndex = each === name ? 0 : -1;
    });
    const panel = made.get(name);
    const element = viewer.broken ? nothing : panel.element; // not the numbers of the frame before
    if (place.firstElementChild !== element) place.replaceChildren(element);
    place.setAttribute('aria-labelledby', `tab-${name}`);
    panel.show();
  }
  return { element, show };
}
