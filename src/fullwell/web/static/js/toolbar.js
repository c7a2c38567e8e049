/** The controls above the picture: frames, layout, stretch, view. */

import { button, check, choice, el, entry, fillChoice, shown } from './dom.js';
import { frames, nameOf, sequence } from './library.js';
import { state, update } from './store.js';
import { COLORS, STRETCHES } from './stretch.js';

const same = (names) => names.map((name) => [name, name]);
/** The limits of black and white by name, with their titles. */
export const LIMITS = [['zscale', 'zscale'], ['minmax', 'min – max'], ['p99', '99 %'], ['p999', '99.9 %'], ['manual', 'manual']];
/** One frame, two, or their difference. */
export const MODES = [['one', 'One', 'One frame'], ['side', 'Two', 'Two frames side by side'], ['difference', 'Diff', 'First frame minus second']];
/** Pooling when zoomed out, and blinks a second. */
export const POOLS = ['mean', 'max'];
export const RATES = [0.5, 1, 2, 4, 8];

/** Build the toolbar of a viewer. */
export function toolbar(viewer) {
  const place = el('span', { class: 'place', testid: 'place' });
  const modes = MODES.map(([mode, text, title]) => button(`mode-${mode}`, text, () => viewer.setMode(mode), { title, pressed: false }));
  const other = choice('other', 'with', [], '', (id) => update({ other: id }, { push: true }));
  const swap = button('swap', '⇄', () => update({ frame: state().other, other: state().frame }, { push: true }), { title: 'Exchange the two frames' });
  const blink = button('blink', 'Blink', () => update({ blink: !state().blink }), { title: 'Go through the frames (b)', pressed: false });
  const rate = choice('rate', 'Blinks a second', RATES.map((r) => [String(r), `${r} / s`]), '2', (r) => update({ rate: Number(r) }), { visible: false });
  const how = choice('stretch', 'Stretch', same(Object.keys(STRETCHES)), 'asinh', (value) => update({ how: value }), { visible: false });
  const limits = choice('limits', 'Limits', LIMITS, 'zscale', (value) => setLimits(viewer, value), { visible: false });
  const low = entry('low', 'Black', '', (text) => setLimit(viewer, 0, text), { visible: false });
  const high = entry('high', 'White', '', (text) => setLimit(viewer, 1, text), { visible: false });
  const map = choice('map', 'Colors', same(COLORS), 'gray', (value) => update({ map: value }), { visible: false });
  const invert = button('invert', 'Invert', () => update({ invert: !state().invert }), { title: 'Black for bright (i)', pressed: false });
  const pool = choice('pool', 'Pooling when zoomed out', same(POOLS), 'mean', (value) => update({ pool: value }), { visible: false });
  const plane = choice('plane', 'Plane', same(['data']), 'data', (value) => update({ plane: value }, { push: true }), { visible: false });
  const layout = button('layout', '', () => viewer.go(viewer.details.related.layout, { cx: null, cy: null, zoom: null, px: null, py: null, region: null }));
  const lockView = check('lock-view', 'lock view', true, (value) => update({ lockview: value }), { title: 'All frames show the same place' });
  const lockStretch = check('lock-stretch', 'lock stretch', false, (value) => viewer.lockStretch(value), { title: 'All frames have the same black and white' });
  const amplifiers = check('amplifiers', 'amplifiers', false, (value) => update({ amplifiers: value }), { title: 'Outline amplifiers and their sections (a)' });
  const box = button('tool-box', 'Box', () => { viewer.tool = viewer.tool === 'box' ? 'pan' : 'box'; show(); }, { title: 'Drag marks a box instead of moving (r; or Shift and drag)', pressed: false });
  const zoom = el('output', { class: 'zoom', testid: 'zoom' });
  const second = el('span', { class: 'group' }, other, swap);
  const element = el('div', { class: 'toolbar', role: 'toolbar', 'aria-label': 'Viewer' },
    group('Frames', button('previous', '◀', () => viewer.step(-1), { title: 'Previous frame (p)' }), place, button('next', '▶', () => viewer.step(1), { title: 'Next frame (n)' }), blink, rate),
    group('Layout', el('span', { class: 'joined' }, ...modes)), second, group('Pixels', plane, layout, el('span', { class: 'word' }, 'pool'), pool),
    group('View', button('zoom-out', '−', () => zoomBy(viewer, 0.5), { title: 'Zoom out (z)' }), zoom, button('zoom-in', '+', () => zoomBy(viewer, 2), { title: 'Zoom in (Z)' }),
      button('fit', 'Fit', () => update({ zoom: null, cx: null, cy: null }), { title: 'Whole frame (f)' }), button('one-to-one', '1:1', () => setZoom(viewer, 1), { title: 'One pixel for one pixel (1)' }), box, lockView, amplifiers),
    group('Stretch', how, limits, low, high, map, invert, lockStretch));

  function show() {
    const now = state();
    const ids = sequence();
    const at = ids.indexOf(now.frame);
    place.textContent = at < 0 ? `– / ${ids.length}` : `${at + 1} / ${ids.length}`;
    MODES.forEach(([mode], i) => modes[i].setAttribute('aria-pressed', String(now.mode === mode)));
    second.hidden = now.mode === 'one';
    if (!second.hidden) fillChoice(other.querySelector('select'), partners(now), now.other);
    for (const [control, on] of [[blink, now.blink], [invert, now.invert], [box, viewer.tool === 'box']]) control.setAttribute('aria-pressed', String(on));
    for (const [control, value] of [[rate, String(now.rate)], [how, now.how], [limits, now.limits], [map, now.map], [pool, now.pool]]) control.value = value;
    const planes = viewer.details?.planes ?? ['data'];
    fillChoice(plane, same(planes), planes.includes(now.plane) ? now.plane : 'data');
    plane.hidden = planes.length < 2;
    layout.hidden = !viewer.details?.related?.layout;
    layout.textContent = viewer.details?.layout === 'assembled' ? 'As read out' : 'Assembled';
    for (const [control, on] of [[lockView, now.lockview], [lockStretch, now.lockstretch], [amplifiers, now.amplifiers]]) control.querySelector('input').checked = on;
    amplifiers.hidden = !viewer.details?.amplifiers?.length;
    const window = viewer.panes[0].window();
    if (document.activeElement !== low) low.value = window ? shown(window[0], 6) : '';
    if (document.activeElement !== high) high.value = window ? shown(window[1], 6) : '';
    const scale = viewer.panes[0].source ? viewer.panes[0].resolved().zoom : null;
    zoom.textContent = scale === null ? '–' : scale >= 1 ? `${shown(scale, 3)}×` : `1/${shown(1 / scale, 3)}`;
  }
  return { element, show };
}

const group = (name, ...children) => el('span', { class: 'group', role: 'group', 'aria-label': name }, ...children);

function partners(now) {
  const ids = new Set([...sequence(), ...frames().filter((f) => f.shape).map((f) => f.id)].slice(0, 2000));
  if (now.other) ids.add(now.other);
  return [['', 'choose …'], ...[...ids].filter((id) => id !== now.frame || id === now.other).map((id) => [id, nameOf(id)])];
}

function setLimits(viewer, value) {
  const window = viewer.panes[0].window();
  if (value === 'manual' && window) update({ limits: value, lo: window[0], hi: window[1] });
  else update({ limits: value, lo: null, hi: null, lockstretch: false });
}

function setLimit(viewer, end, text) {
  const value = Number(text);
  const window = viewer.panes[0].window() ?? [0, 1];
  if (text.trim() === '' || !Number.isFinite(value)) { viewer.bar.show(); return; }
  const [lo, hi] = end === 0 ? [value, window[1]] : [window[0], value];
  if (lo < hi) update({ limits: 'manual', lo, hi });
  else viewer.bar.show();
}

/** Zoom about the middle. */
export function zoomBy(viewer, factor) {
  if (viewer.panes[0].source) viewer.panes[0].zoomAt(factor);
}

/** Set the zoom (CSS pixels a pixel) about the middle. */
export function setZoom(viewer, zoom) {
  const pane = viewer.panes[0];
  if (pane.source) pane.zoomTo(zoom);
}

