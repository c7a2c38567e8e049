/** One picture on the screen: a canvas for the pixels and one above it for boxes, marks and the cursor. */

import { button, el, notice } from './dom.js';
import { atNextPaint } from './idle.js';
import { drawAbove } from './above.js';
import { listenTo } from './gestures.js';
import { fill, levelFor, maskTable, tilesOf, visiblePart } from './painting.js';
import { colorAt, limitsOf, pack, tableOf } from './stretch.js';
import { want } from './tiles.js';

const LEAST_ZOOM = 1 / 64;
const MOST_ZOOM = 64;

/** A pane; the viewer tells it what to show, it tells the viewer what the pointer does. */
export class Pane {
  /**
   * @param {string} name also its test id
   * @param {Object} calls `view(changes)`, `hover(x, y)`, `pin(x, y)`, `box([x0, x1, y0, y1])`, `retry()`
   */
  constructor(name, calls) {
    this.name = name;
    this.calls = calls;
    this.canvas = el('canvas', { testid: `canvas-${name}`, class: 'pixels' });
    this.above = el('canvas', {
      testid: `above-${name}`, class: 'above', tabindex: 0, role: 'application',
      'aria-label': 'Frame. Arrow keys move the pixel, plus and minus zoom, f fits, Shift and drag marks a box.',
    });
    this.title = el('div', { class: 'pane-title', testid: `title-${name}` });
    this.message = el('div', { class: 'pane-message', testid: `message-${name}`, role: 'alert', hidden: true });
    this.legend = el('div', { class: 'legend' });
    this.bar = el('canvas', { class: 'bar', width: 256, height: 1, 'aria-hidden': 'true' });
    this.low = el('span', { testid: `low-${name}` });
    this.high = el('span', { testid: `high-${name}` });
    this.legend.append(this.low, this.bar, this.high);
    this.frame = el('div', { class: 'pane-frame' }, this.canvas, this.above, this.message);
    this.element = el('section', { class: 'pane', testid: `pane-${name}`, 'aria-label': `Frame ${name}` }, this.title, this.frame, this.legend);
    this.source = null;
    this.masks = null;
    this.look = null;
    this.drawn = { boxes: [], marks: [] };
    this.view = { cx: null, cy: null, zoom: null };
    this.scratch = document.createElement('canvas');
    this.paint = atNextPaint(() => this.paintNow());
    this.paintAbove = atNextPaint(() => drawAbove(this));
    this.complete = false;
    this.took = 0;
    new ResizeObserver(() => this.resize()).observe(this.frame);
    listenTo(this);
  }

  /** Size the canvases to the place they have. */
  resize() {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(this.frame.clientWidth * ratio), Math.round(this.frame.clientHeight * ratio)];
    if (width === 0 || height === 0 || (this.canvas.width === width && this.canvas.height === height)) return;
    for (const canvas of [this.canvas, this.above]) { canvas.width = width; canvas.height = height; }
    this.paint();
  }

  /** Show another source, or none (null); what it needs is asked for at once, not at the next repaint. */
  show(source, masks = null) {
    this.source = source;
    this.masks = masks;
    this.complete = false;
    want(this.name, source ? this.needs(source, this.look?.planes ? masks : null) : []);
  }

  /** Show a message in place of pixels; null takes it away. */
  say(text, { retry = true } = {}) {
    this.message.hidden = text === null;
    this.message.replaceChildren();
    if (text === null) return;
    this.message.append(notice(text, { tone: 'error', testid: `error-${this.name}` }));
    if (retry) this.message.append(button(`retry-${this.name}`, 'Try again', () => this.calls.retry()));
  }

  /** The view in numbers: center in pixels of the frame, CSS pixels per pixel (zoom), and device pixels (scale). */
  resolved() {
    const ratio = window.devicePixelRatio || 1;
    const [rows, columns] = this.source?.shape ?? [1, 1];
    const fit = Math.min(this.canvas.width / columns, this.canvas.height / rows) / ratio;
    const zoom = this.view.zoom ?? fit;
    return {
      cx: this.view.zoom === null ? columns / 2 : this.view.cx ?? columns / 2, cy: this.view.zoom === null ? rows / 2 : this.view.cy ?? rows / 2,
      zoom, scale: zoom * ratio, width: this.canvas.width, height: this.canvas.height,
    };
  }

  /** Place on the canvas (device pixels) of a point of the frame; pixel (0, 0) covers 0 to 1. */
  toCanvas(x, y) {
    const view = this.resolved();
    return [view.width / 2 + (x - view.cx) * view.scale, view.height / 2 - (y - view.cy) * view.scale];
  }

  /** Point of the frame under a place in the window. */
  toFrame(clientX, clientY) {
    const view = this.resolved();
    const box = this.above.getBoundingClientRect();
    return [view.cx + (clientX - box.left - box.width / 2) / view.zoom, view.cy - (clientY - box.top - box.height / 2) / view.zoom];
  }

  /** Zoom by a factor, the point under (clientX, clientY) staying where it is. */
  zoomAt(factor, clientX = null, clientY = null) {
    this.zoomTo(this.resolved().zoom * factor, clientX, clientY);
  }

  /** Zoom to CSS pixels per pixel, the point under (clientX, clientY) staying where it is. */
  zoomTo(wanted, clientX = null, clientY = null) {
    const view = this.resolved();
    const zoom = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, wanted));
    const [x, y] = clientX === null ? [view.cx, view.cy] : this.toFrame(clientX, clientY);
    this.calls.view({ cx: x + (view.cx - x) * (view.zoom / zoom), cy: y + (view.cy - y) * (view.zoom / zoom), zoom });
  }

  /** Move by CSS pixels. */
  panBy(dx, dy) {
    const view = this.resolved();
    this.calls.view({ cx: view.cx - dx / view.zoom, cy: view.cy + dy / view.zoom, zoom: view.zoom });
  }

  /** Requests of the tiles that a source needs in the present view. */
  needs(source, masks = null) {
    const view = this.resolved();
    const level = levelFor(view.scale, source.pool, source.levels);
    const part = visiblePart(source.shape, level, view);
    const tiles = tilesOf(part, source.tile);
    return [source, masks].filter(Boolean).flatMap((from) => tiles.flatMap(([row, column]) => from.requests(level, row, column)));
  }

  /** Limits of what is shown by their name, for this source. */
  limits(name) {
    const { source } = this;
    if (!source) return null;
    if (source.plane === 'data' && source.details.limits && !source.two) return source.details.limits[name] ?? null;
    return this.sampled()?.[name] ?? null;
  }

  /** Limits from the tiles at hand, for planes and differences the server has no limits of. */
  sampled() {
    const { source } = this;
    const view = this.resolved();
    const level = levelFor(view.scale, source.pool, source.levels);
    const part = visiblePart(source.shape, level, view);
    const values = [];
    for (const [row, column] of tilesOf(part, source.tile)) {
      const tile = source.at(level, row, column);
      if (!tile) return this.lastSampled?.of === source ? this.lastSampled.limits : null;
      const stride = Math.max(1, Math.floor(tile.data.length / 8192)) | 1;
      for (let i = 0; i < tile.data.length; i += stride) if (Number.isFinite(tile.data[i])) values.push(tile.data[i]);
    }
    // One set of limits a source: the picture must not flicker while it is moved.
    if (this.lastSampled?.of !== source && values.length) this.lastSampled = { of: source, limits: limitsOf(values) };
    return this.lastSampled?.of === source ? this.lastSampled.limits : null;
  }

  /** Black and white in use: [lo, hi], or null before they are known. */
  window() {
    if (!this.look) return null;
    if (this.look.limits === 'manual' && this.look.lo !== null && this.look.hi !== null) return [this.look.lo, this.look.hi];
    return this.limits(this.look.limits === 'manual' ? 'zscale' : this.look.limits);
  }

  paintNow() {
    const start = performance.now();
    const context = this.canvas.getContext('2d', { alpha: false });
    const style = getComputedStyle(this.frame);
    context.fillStyle = style.getPropertyValue('--well');
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    if (this.source && this.look && this.canvas.width > 0) this.paintSource(context);
    else want(this.name, []);
    drawAbove(this);
    this.took = performance.now() - start;
  }

  paintSource(context) {
    const { source } = this;
    const view = this.resolved();
    const level = levelFor(view.scale, source.pool, source.levels);
    const part = visiblePart(source.shape, level, view);
    const [width, height] = [part.x1 - part.x0, part.y1 - part.y0];
    const masks = this.look.planes && this.masks ? { source: this.masks, table: maskTable(this.look.planes, this.look.colors, this.look.opacity) } : null;
    want(this.name, this.needs(source, masks?.source));
    const limits = this.window();
    this.complete = false;
    if (width <= 0 || height <= 0) return;
    this.failures(level, part);
    if (!limits) return;
    const table = tableOf({ ...this.look, lo: limits[0], hi: limits[1] }, source.whole);
    this.showLegend(limits);
    if (this.image?.width !== width || this.image?.height !== height) {
      this.image = new ImageData(width, height);
      this.words = new Uint32Array(this.image.data.buffer);
      this.scratch.width = width;
      this.scratch.height = height;
      this.pencil = this.scratch.getContext('2d', { alpha: false });
    }
    this.complete = fill(this.words, part, level, source, table, masks, pack(110, 116, 124));
    this.pencil.putImageData(this.image, 0, 0);
    const step = 2 ** level * view.scale;
    const [left, top] = this.toCanvas(part.x0 * 2 ** level, part.y1 * 2 ** level);
    context.save();
    const [x0, y0] = this.toCanvas(0, source.shape[0]);
    context.beginPath(); // the last pixel of a level may reach over the edge of the frame
    context.rect(x0, y0, source.shape[1] * view.scale, source.shape[0] * view.scale);
    context.clip();
    context.imageSmoothingEnabled = step < 1 && source.pool !== 'max';
    context.drawImage(this.scratch, left, top, width * step, height * step);
    context.restore();
  }

  failures(level, part) {
    for (const [row, column] of tilesOf(part, this.source.tile)) {
      const error = this.source.failure(level, row, column);
      if (error) { this.calls.failed(error, this.source); return; }
    }
  }

  showLegend(limits) {
    const digits = (value) => String(Number(value.toPrecision(5)));
    this.low.textContent = digits(limits[0]);
    this.high.textContent = digits(limits[1]);
    const key = `${this.look.how} ${this.look.map} ${this.look.invert}`;
    if (this.shownBar === key) return;
    const strip = new ImageData(256, 1);
    new Uint32Array(strip.data.buffer).set(Array.from({ length: 256 }, (_, i) => colorAt(i / 255, this.look)));
    this.bar.getContext('2d').putImageData(strip, 0, 0);
    this.shownBar = key;
  }
}
