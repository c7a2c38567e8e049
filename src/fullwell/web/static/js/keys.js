/** The keyboard, and the dialog that lists it. */

import { button, el } from './dom.js';
import { state, update } from './store.js';
import { COLORS, STRETCHES } from './stretch.js';
import { MODES, setZoom, zoomBy } from './toolbar.js';

const LIST = [
  ['n  p', 'next, previous frame'], ['b', 'blink'], ['Z  z', 'zoom in, out'], ['f', 'fit the whole frame'],
  ['1 – 9', '1:1 to 9:1'], ['← → ↑ ↓', 'move the pixel (in the picture; Shift: by ten)'], ['s', 'next stretch'], ['i', 'invert'],
  ['c', 'next color map'], ['m', 'masks on or off'], ['a', 'amplifiers'], ['d', 'one, side by side, difference'], ['r', 'drag a box'],
  ['l', 'lock the stretch'], ['t', 'night table'], ['v', 'frame'], ['Esc', 'take away box and pixel'], ['h  ?', 'this help'],
];
const MOUSE = [
  ['drag', 'move'], ['wheel, pinch', 'zoom about the cursor'], ['double click', 'zoom in'], ['click', 'pin a pixel'],
  ['Shift and drag', 'mark a box'],
];

/** Build the dialog and listen; returns the button that opens the help. */
export function keyboard(viewer) {
  const rows = (list) => el('dl', { class: 'keys' }, list.map(([key, text]) => el('div', {}, el('dt', {}, el('kbd', {}, key)), el('dd', {}, text))));
  const dialog = el('dialog', { testid: 'help-dialog', 'aria-labelledby': 'help-title' },
    el('h2', { id: 'help-title' }, 'Keys'), el('div', { class: 'help' }, rows(LIST), el('div', {}, el('h3', {}, 'Mouse and touch'), rows(MOUSE))),
    button('help-close', 'Close', () => dialog.close()));
  document.body.append(dialog);
  const help = () => { if (dialog.open) dialog.close(); else dialog.showModal(); };
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === 'h' || event.key === '?') help();
    else if (!dialog.open && (ANYWHERE[event.key] ?? (state().view === 'frame' ? actionOf(event.key) : null))) (ANYWHERE[event.key] ?? actionOf(event.key))(viewer);
    else return;
    event.preventDefault();
  });
  return button('help', 'Help', help, { title: 'Keys and mouse (h)', kind: 'quiet' });
}

const ANYWHERE = {
  t: () => update({ view: 'night' }, { push: true }),
  v: () => update({ view: 'frame' }, { push: true }),
};

const cycle = (list, value) => list[(list.indexOf(value) + 1) % list.length];

const IN_VIEWER = {
  n: (viewer) => viewer.step(1),
  p: (viewer) => viewer.step(-1),
  b: () => update({ blink: !state().blink }),
  z: (viewer) => zoomBy(viewer, 0.5),
  Z: (viewer) => zoomBy(viewer, 2),
  f: () => update({ zoom: null, cx: null, cy: null }),
  i: () => update({ invert: !state().invert }),
  s: () => update({ how: cycle(Object.keys(STRETCHES), state().how) }),
  c: () => update({ map: cycle(COLORS, state().map) }),
  a: () => update({ amplifiers: !state().amplifiers }),
  d: (viewer) => viewer.setMode(cycle(MODES.map(([mode]) => mode), state().mode)),
  l: (viewer) => viewer.lockStretch(!state().lockstretch),
  r: (viewer) => { viewer.tool = viewer.tool === 'box' ? 'pan' : 'box'; viewer.bar.show(); },
  m: (viewer) => viewer.toggleMasks(),
  Escape: () => update({ px: null, py: null, region: null, blink: false }),
};

function actionOf(key) {
  if (/^[1-9]$/.test(key)) return (viewer) => setZoom(viewer, Number(key));
  return IN_VIEWER[key] ?? null;
}

/** Whether keys go into a control. */
function typing(target) {
  return target instanceof HTMLInputElement ? !['checkbox', 'range', 'button', 'color'].includes(target.type)
    : target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement;
}
