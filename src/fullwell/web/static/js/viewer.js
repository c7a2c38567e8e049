/** The frame viewer: one pane or two, the toolbar, the read-out and the panels beside them. */

import { getJson, words } from './api.js';
import { displayOf } from './displays.js';
import { el } from './dom.js';
import { track } from './idle.js';
import { detailsOf, forget, frame, frames, lookedFor, nameOf, neighbor, onFrames, refresh, scanning, sequence, suffixOf, theSession } from './library.js';
import { Pane } from './pane.js';
import { panels } from './panels.js';
import { PLANE_COLORS } from './masks.js';
import { Readout } from './readout.js';
import { DifferenceSource, FrameSource } from './sources.js';
import { state, update } from './store.js';
import { drop, onTile, want } from './tiles.js';
import { toolbar } from './toolbar.js';

/** The viewer; one instance, kept while other views are shown. */
export class Viewer {
  constructor() {
    this.tool = 'pan';
    this.views = new Map(); // of each frame, when views are not locked
    this.details = null; // of the frame shown
    this.otherDetails = null;
    this.broken = false; // whether the frame cannot be shown
    this.readout = new Readout(this);
    this.panes = ['one', 'two'].map((name) => new Pane(name, this.calls(name)));
    this.bar = toolbar(this);
    this.side = panels(this);
    this.list = el('ol', { class: 'strip', testid: 'strip' });
    this.stage = el('div', { class: 'stage', testid: 'stage' }, ...this.panes.map((pane) => pane.element));
    this.element = el('div', { class: 'viewer' },
      el('nav', { class: 'strip-box', 'aria-label': 'Frames' }, this.list),
      el('div', { class: 'middle' }, this.bar.element, this.stage, this.readout.element),
      el('aside', { class: 'panels', 'aria-label': 'Measurements' }, this.side.element));
    this.timer = null;
    onTile(() => { for (const pane of this.panes) if (pane.source && !pane.complete) pane.paint(); this.prefetch(); });
    onFrames(() => { if (state().view === 'frame') { this.showList(); this.ensureFrame(); if (!scanning()) track(this.lookAgain()); } });
  }

  calls(name) {
    return {
      view: (view) => this.move(name, view),
      hover: (x, y) => this.readout.hover(this.pane(name), x, y),
      pin: (x, y) => this.pin(x, y),
      move: (dx, dy) => {
        const now = state();
        const [rows, columns] = this.details?.shape ?? [1, 1];
        const [x, y] = now.px === null ? [Math.floor(columns / 2), Math.floor(rows / 2)] : [now.px + dx, now.py + dy];
        this.pin(Math.max(0, Math.min(columns - 1, x)), Math.max(0, Math.min(rows - 1, y)), { follow: true });
      },
      box: (region) => update({ region, panel: ['region', 'series'].includes(state().panel) ? state().panel : 'region' }, { push: true }),
      tool: () => this.tool,
      retry: () => { this.reload(name === 'two' ? state().other : state().frame); },
      failed: (error, source) => this.fail(this.pane(name), error, source),
    };
  }

  pane(name) {
    return this.panes[name === 'two' ? 1 : 0];
  }

  /** Pin a pixel; outside of the frame the pin is taken away. */
  pin(x, y, { follow = false } = {}) {
    const [rows, columns] = this.details?.shape ?? [0, 0];
    const inside = x >= 0 && y >= 0 && x < columns && y < rows;
    update({ px: inside ? x : null, py: inside ? y : null });
    if (follow && inside) this.reveal(x, y);
  }

  /** Move the view so that a pixel is seen; `zoom` as well where it is given. */
  reveal(x, y, zoom = null) {
    const pane = this.panes[0];
    const view = pane.resolved();
    const [px, py] = pane.toCanvas(x + 0.5, y + 0.5);
    const seen = px > 0 && py > 0 && px < view.width && py < view.height;
    if (!seen || zoom !== null) this.move('one', { cx: x + 0.5, cy: y + 0.5, zoom: zoom ?? view.zoom });
  }

  /** A pane was moved. */
  move(name, view) {
    const now = state();
    if (name === 'two' && !now.lockview && now.mode === 'side') {
      this.views.set(now.other, view);
      this.panes[1].view = view;
      this.panes[1].paint();
      return;
    }
    this.views.set(now.frame, view);
    update(view);
  }

  /** Show another frame. */
  go(id, changes = {}) {
    if (!id) return;
    const now = state();
    this.views.set(now.frame, { cx: now.cx, cy: now.cy, zoom: now.zoom });
    const view = now.lockview ? {} : this.views.get(id) ?? { cx: null, cy: null, zoom: null };
    update({ frame: id, ...view, ...changes }, { push: !now.blink });
  }

  step(by) {
    this.go(neighbor(by));
  }

  /** One pane, two, or the difference; the second frame is guessed from what belongs to the first. */
  setMode(mode) {
    const now = state();
    if (mode === 'one') { update({ mode }, { push: true }); return; }
    const chosen = now.other && now.other !== now.frame;
    const { layout, related } = this.details ?? {};
    if (!chosen && mode === 'side' && layout === 'raw' && related?.layout && related.calibrated) {
      // A frame as it was read out has other pixels beside the sky: its assembled view shows the same sky.
      update({ mode, frame: related.layout, other: related.calibrated }, { push: true });
      return;
    }
    update({ mode, other: chosen ? now.other : this.partner(mode) }, { push: true });
  }

  partner(mode) {
    const { id, related } = this.details ?? {};
    if (mode !== 'side') return neighbor(1) ?? '';
    // What reduce writes has the name of its raw frame.
    const namesake = frames().find((f) => f.id !== id && f.shape && f.name === frame(id)?.name && ['raw', 'calibrated'].includes(f.kind));
    return related?.calibrated ?? related?.raw ?? namesake?.id ?? neighbor(1) ?? '';
  }

  ensureFrame() {
    if (!state().frame && sequence().length) update({ frame: sequence()[0] });
  }

  /** Follow the state. */
  show(changed = null) {
    const now = state();
    const any = (...names) => changed === null || names.some((name) => changed.has(name));
    this.ensureFrame();
    if (any('view', 'frame', 'other', 'mode', 'plane', 'pool', 'lockview')) track(this.load());
    if (any('view', 'frame', 'stack', 'q', 'kind', 'type', 'filter', 'exposure', 'temperature', 'folder', 'sort')) this.showList();
    if (any('view', 'blink', 'rate')) this.blink();
    this.stage.classList.toggle('two', now.mode === 'side');
    this.panes[1].element.hidden = now.mode !== 'side';
    this.apply();
    this.bar.show();
    this.readout.show();
    if (any('view', 'frame', 'plane', 'region', 'circle', 'px', 'py', 'panel', 'stack', 'planes', 'colors', 'opacity')) this.side.show();
  }

  /** Hand view and look to the panes. */
  apply() {
    const now = state();
    const [one, two] = this.panes;
    const view = { cx: now.cx, cy: now.cy, zoom: now.zoom };
    one.view = view;
    two.view = now.lockview ? view : this.views.get(now.other) ?? { cx: null, cy: null, zoom: null };
    for (const pane of this.panes) {
      const id = pane === two ? now.other : now.frame;
      pane.look = {
        how: now.how, limits: now.limits, lo: now.lo, hi: now.hi, invert: now.invert, map: now.map,
        planes: now.planes, opacity: now.opacity, colors: { ...PLANE_COLORS, ...now.colors },
      };
      pane.drawn = {
        amplifiers: now.amplifiers ? pane.source?.details.amplifiers : [], region: now.region, circle: now.circle,
        marks: displayOf(id)?.marks ?? [], pin: now.px === null ? null : [now.px, now.py],
      };
      pane.element.querySelector('.legend').hidden = !pane.source;
      pane.paint();
    }
  }

  async load() {
    const now = state();
    const [one, two] = this.panes;
    const token = Symbol('load');
    this.loading = token;
    const ask = (id) => (id ? detailsOf(id).then((details) => ({ details }), (error) => ({ error })) : { error: null });
    const [first, second] = await Promise.all([ask(now.frame), now.mode === 'one' ? {} : ask(now.other)]);
    if (this.loading !== token) return;
    this.details = first.details ?? null;
    this.otherDetails = second.details ?? null;
    this.broken = Boolean(first.error);
    this.setPane(one, now.frame, first, now);
    if (now.mode === 'side') this.setPane(two, now.other, second, now);
    else two.show(null);
    if (now.mode === 'difference') this.setDifference(one, second, now);
    this.apply();
    this.bar.show();
    this.readout.show();
    this.side.show();
    this.prefetch();
  }

  setPane(pane, id, { details, error }, now) {
    pane.title.textContent = id ? nameOf(id) : '';
    if (!details) {
      pane.show(null);
      if (error) this.fail(pane, error, { id });
      else pane.say(frames().length ? 'Choose a frame in the night table.' : 'No frame to show.', { retry: false });
      return;
    }
    pane.say(null);
    const plane = (details.planes ?? ['data']).includes(now.plane) ? now.plane : 'data';
    const masks = details.planes?.includes('flags') ? new FrameSource(details, { plane: 'flags' }) : null;
    pane.show(new FrameSource(details, { plane, pool: now.pool }), masks);
    const unit = [plane === 'data' ? null : plane, details.unit].filter(Boolean).join(', ');
    pane.title.replaceChildren(el('strong', {}, nameOf(id)), ` ${details.shape[1]} × ${details.shape[0]}${unit ? ` · ${unit}` : ''}`);
  }

  setDifference(pane, { details, error }, now) {
    const one = pane.source;
    if (!one) return;
    const { masks } = pane;
    pane.title.replaceChildren(el('strong', {}, `${nameOf(now.frame)} − ${nameOf(now.other)}`));
    pane.show(null);
    if (!now.other) pane.say('Choose a second frame to subtract.', { retry: false });
    else if (error) this.fail(pane, error, { id: now.other });
    else if (obstacle(one, details)) pane.say(`${obstacle(one, details)}: there is no difference of the two.`, { retry: false });
    else {
      const key = `${one.id} ${details.id} ${one.details.version} ${details.version} ${now.pool} ${one.plane}`;
      if (this.difference?.key !== key) this.difference = { key, source: new DifferenceSource(one, new FrameSource(details, { plane: one.plane, pool: now.pool })) };
      pane.show(this.difference.source, masks);
    }
  }

  /** Say why there is no picture; a file that only changed is read again, once. */
  fail(pane, error, source) {
    const version = `${source.id} ${source.details?.version}`;
    if (error.code === 'changed' && this.reloaded !== version) {
      this.reloaded = version;
      this.reload(source.id);
      return;
    }
    if (error.code === 'gone' || error.code === 'changed') track(refresh().catch(() => {}));
    pane.show(null);
    pane.say(words(error));
    pane.paint();
  }

  /** Ask whether the files shown are still what they were; what changed is shown anew. */
  async lookAgain() {
    const now = state();
    const shownNow = [[now.frame, this.details], ...(now.mode === 'one' ? [] : [[now.other, this.otherDetails]])].filter(([id]) => id);
    const told = await Promise.all(shownNow.map(([id]) => getJson(`frames/${encodeURIComponent(id)}`).then(({ version }) => version, () => null)));
    if (state().frame !== now.frame || state().other !== now.other) return; // what is shown now is new anyway
    const changed = shownNow.filter(([, details], i) => (details?.version ?? null) !== told[i]);
    for (const [id] of changed) { forget(id); drop(id); }
    if (!changed.length) return;
    this.difference = null;
    await this.load();
  }

  /** Forget what is known of a frame and ask again. */
  reload(id) {
    if (!id) return;
    this.loading = null; // what is still under way would bring the old back
    for (const each of String(id).split('-').length > 1 && !frame(id) ? [state().frame, state().other] : [id]) { forget(each); drop(each); }
    this.difference = null;
    // A file that came back is found by looking at the folder again.
    track(lookedFor(id).catch(() => {}).then(() => this.load()));
  }

  showList() {
    const now = state();
    const ids = sequence();
    const at = Math.max(0, ids.indexOf(now.frame));
    const from = Math.max(0, Math.min(at - 60, ids.length - 120)); // a window of a long night
    this.list.replaceChildren(...ids.slice(from, from + 120).map((id, i) => el('li', {}, el('button', {
      type: 'button', testid: 'strip-frame', title: nameOf(id), 'aria-current': id === now.frame ? 'true' : null, onclick: () => this.go(id),
    }, el('span', { class: 'place' }, String(from + i + 1)), shortened(id)))));
    const current = this.list.querySelector('[aria-current]');
    if (current) this.list.scrollTop = current.offsetTop - this.list.clientHeight / 2;
  }

  blink() {
    const now = state();
    clearInterval(this.timer);
    this.timer = null;
    if (!now.blink || now.view !== 'frame') return;
    this.timer = setInterval(() => { if (this.panes[0].complete || !this.panes[0].source) this.step(1); }, 1000 / now.rate);
  }

  /** Load what the neighbors need in the same view, after all that is seen, one after the other: each takes all threads. */
  async prefetch() {
    const [one] = this.panes;
    if (!one.complete || !one.source || one.source.two) return;
    const { plane, pool, id: shown } = one.source;
    const ahead = `${shown} ${JSON.stringify(one.view)} ${pool}`;
    if (this.ahead === ahead) return;
    this.ahead = ahead;
    for (const [who, step] of [['next', 1], ['previous', -1]]) {
      const id = neighbor(step);
      if (!id || id === shown) continue;
      const details = await detailsOf(id, { counted: false }).catch(() => null);
      if (this.ahead !== ahead) return;
      if (details) want(who, one.needs(new FrameSource(details, { plane, pool })), { counted: false });
    }
  }

  /** Freeze black and white as they are, for all frames; or let each frame have its own again. */
  lockStretch(locked) {
    const limits = this.panes[0].window();
    if (locked && limits) update({ lockstretch: true, limits: 'manual', lo: limits[0], hi: limits[1] });
    else update({ lockstretch: false, limits: 'zscale', lo: null, hi: null });
  }

  /** Show the masks that were shown before, or all that spoil a pixel; or none. */
  toggleMasks() {
    const { planes } = state();
    if (planes) this.lastPlanes = planes;
    const bad = this.planes().filter((plane) => plane.bad).reduce((sum, plane) => sum | (1 << plane.bit), 0);
    update({ planes: planes ? 0 : this.lastPlanes ?? bad });
  }

  /** Names of the flag planes, from the session. */
  planes() {
    return theSession().flags ?? [];
  }
}

/** Why one frame cannot be subtracted from another, or null. */
function obstacle({ shape, plane, details: one }, two) {
  if (String(two.shape) !== String(shape)) return `These frames have ${shape[1]} × ${shape[0]} and ${two.shape[1]} × ${two.shape[0]} pixels`;
  if (!(two.planes ?? ['data']).includes(plane)) return `The second frame has no ${plane}`;
  if (one.unit && two.unit && one.unit !== two.unit) return `These frames are in ${one.unit} and ${two.unit}`;
  return null;
}

/** The name of a frame for the narrow list: its end stays where it is too long; extension, and what tells it from others, stand small beside it. */
function shortened(id) {
  const suffix = suffixOf(id);
  const whole = nameOf(id).slice(0, suffix ? -suffix.length : undefined);
  const [, name, extension] = whole.match(/^(.*?)(?:\.(?:fits?|fts)(?:\.(?:gz|fz))?)?(?: \[(.*)\])?$/is);
  const beside = [extension, suffix.slice(2, -1)].filter(Boolean).join(', ');
  const cut = Math.max(0, name.length - 8);
  return [el('span', { class: 'name' }, el('span', { class: 'head' }, name.slice(0, cut)), el('span', {}, name.slice(cut))),
    beside ? el('small', {}, beside) : null];
}
