/** The page: views, the bar above them, and what tests and scripts may ask. */

import { words } from './api.js';
import { displaysView, followDisplays, onDisplays } from './displays.js';
import { el, notice } from './dom.js';
import { headersView } from './headers.js';
import { idle, track } from './idle.js';
import { keyboard } from './keys.js';
import { open } from './library.js';
import { mastersView } from './masters.js';
import { nightView } from './night.js';
import { follow } from './permalink.js';
import { reportsView } from './reports.js';
import { listen, state, update } from './store.js';
import { themeSwitch } from './theme.js';
import { keptBytes } from './tiles.js';
import { transferView } from './transfer.js';
import { Viewer } from './viewer.js';
import { VIEWS } from './views.js';

function start() {
  const odd = el('p', { class: 'notice note odd-address', testid: 'odd-address', role: 'status', hidden: true });
  document.querySelector('main').before(odd);
  follow((refused) => {
    odd.hidden = refused.length === 0;
    odd.textContent = `The address has values that mean nothing here (${refused.map((name) => name.slice(0, 40)).slice(0, 8).join(', ')}); the usual ones are shown instead.`;
  });
  const viewer = new Viewer();
  const views = {
    night: nightView(), frame: viewer, headers: headersView(), transfer: transferView(),
    masters: mastersView(), reports: reportsView(), displays: displaysView(),
  };
  const tabs = new Map(VIEWS.map(([name, title]) => [name, el('a', { href: `#/${name}`, testid: `view-${name}`, onclick: (event) => { event.preventDefault(); update({ view: name }, { push: true }); } }, title)]));
  const simulator = el('a', { href: 'simulator/', testid: 'view-simulator', hidden: true }, 'Simulator');
  document.querySelector('#tabs').append(...tabs.values(), simulator);
  document.querySelector('#tools').append(keyboard(viewer), themeSwitch());
  const main = document.querySelector('main');
  // The address after # is the state of the page, so the jump to the content is made here.
  document.querySelector('.skip').addEventListener('click', (event) => { event.preventDefault(); main.focus(); });

  const show = (changed = null) => {
    const name = state().view;
    for (const [each, tab] of tabs) { if (each === name) tab.setAttribute('aria-current', 'page'); else tab.removeAttribute('aria-current'); }
    main.dataset.view = name;
    document.title = `${VIEWS.find(([each]) => each === name)[1]} – fullwell`;
    if (main.firstElementChild !== views[name].element) main.replaceChildren(views[name].element);
    views[name].show(changed?.has('view') ? null : changed);
    if (name !== 'frame') viewer.blink();
  };
  expose(viewer);
  document.body.dataset.ready = 'true';
  track(open().then((session) => {
    document.querySelector('#roots').textContent = session.roots.map((root) => root.path_shown ?? root.name).join(', ');
    simulator.hidden = !session.simulator;
    listen((_, changed) => show(changed));
    onDisplays(() => { if (state().view === 'frame') viewer.show(); });
    show();
    return followDisplays();
  }, (error) => {
    main.replaceChildren(notice(words(error), { tone: 'error', role: 'alert', testid: 'fatal' }),
      el('p', {}, el('a', { href: '' }, 'Load the page again')));
  }));
}

/** What tests and scripts may ask: `window.viewer`. */
function expose(viewer) {
  window.viewer = Object.freeze({
    /** Plain values of all that is shown. */
    state: () => ({
      ...structuredClone(state()),
      panes: viewer.panes.map((pane) => ({
        frame: pane.source?.id ?? null, window: pane.window(), complete: pane.complete, paint_ms: pane.took, ...(pane.source ? pane.resolved() : {}),
      })),
      bytes: keptBytes(),
    }),
    /** Resolves when nothing is pending. */
    get idle() { return idle(); },
    /** Place in the window (CSS pixels) of the middle of a pixel of the frame. */
    where: (x, y, name = 'one') => {
      const pane = viewer.pane(name);
      const box = pane.above.getBoundingClientRect();
      const [left, top] = pane.toCanvas(x + 0.5, y + 0.5);
      return [box.left + (left * box.width) / pane.above.width, box.top + (top * box.height) / pane.above.height];
    },
  });
}

start();
