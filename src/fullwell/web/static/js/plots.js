/** Small plots on a canvas: lines, steps, points with errors; a cursor that reads out, points that can be chosen. */

import { logTicks, rangeOf, scaleOf, tickText, ticks } from './axes.js';
import { el, shown } from './dom.js';
import { atNextPaint } from './idle.js';
import { color, onTheme } from './theme.js';

const NEAR = 14; // CSS pixels within which a point is meant

/**
 * @typedef {Object} Series
 * @property {'line'|'steps'|'points'} kind
 * @property {number[]} x for steps: the edges, one more than y
 * @property {Array<number|null>} y
 * @property {number[]} [error] length of one arm of the error bars
 * @property {boolean[]} [odd] points drawn hollow in the color of warnings
 * @property {string} [tone] name of a color: series-1 ...
 * @property {boolean} [dashed]
 * @property {string} [label]
 */

/** A plot; give it `show({series, ...})` as often as wanted. */
export class Plot {
  /**
   * @param {string} testid
   * @param {{height?: number, label: string, onpoint?: (index: number) => void}} options label: for those who hear the page
   */
  constructor(testid, { height = 180, label, onpoint = null }) {
    this.canvas = el('canvas', { role: 'img', 'aria-label': label, tabindex: onpoint ? 0 : null });
    this.read = el('output', { class: 'plot-read', 'aria-live': 'off' });
    this.caption = el('figcaption', {}, label);
    this.element = el('figure', { class: 'plot', testid }, el('div', { class: 'plot-head' }, this.caption, this.read), this.canvas);
    this.canvas.style.height = `${height}px`;
    this.height = height;
    this.onpoint = onpoint;
    this.content = null;
    this.cursor = null;
    this.current = null;
    this.paint = atNextPaint(() => this.paintNow());
    new ResizeObserver(() => this.paint()).observe(this.element);
    onTheme(() => this.paint());
    this.listen();
  }

  /**
   * Show data.
   * @param {{series: Series[], x?: string, y?: string, logx?: boolean, logy?: boolean, zero?: boolean,
   *   names?: string[], current?: number|null, caption?: string, levels?: number[]}} content
   */
  show(content) {
    this.content = content;
    this.current = content.current ?? null;
    if (content.caption) this.caption.textContent = content.caption;
    this.paint();
  }

  /** The points that can be chosen: those of the first series of points. */
  points() {
    return this.content?.series.find((one) => one.kind === 'points') ?? null;
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener('pointermove', (event) => { this.cursor = [event.offsetX, event.offsetY]; this.paint(); });
    canvas.addEventListener('pointerleave', () => { this.cursor = null; this.paint(); });
    if (!this.onpoint) return;
    canvas.classList.add('chooses');
    canvas.addEventListener('click', (event) => {
      const found = this.nearest(event.offsetX, event.offsetY);
      if (found !== null) this.choose(found);
    });
    canvas.addEventListener('keydown', (event) => {
      const points = this.points();
      if (!points) return;
      const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (step) this.current = ((this.current ?? (step > 0 ? -1 : 0)) + step + points.x.length) % points.x.length;
      else if (event.key === 'Enter' && this.current !== null) this.choose(this.current);
      else return;
      event.preventDefault();
      this.paint();
    });
  }

  choose(index) {
    this.current = index;
    this.paint();
    this.onpoint(index);
  }

  nearest(px, py) {
    const points = this.points();
    if (!points || !this.scales) return null;
    let best = null;
    let distance = NEAR;
    points.x.forEach((x, i) => {
      if (points.y[i] === null) return;
      const away = Math.hypot(this.scales.x(x) - px, this.scales.y(points.y[i]) - py);
      if (away < distance) { distance = away; best = i; }
    });
    return best;
  }

  paintNow() {
    const ratio = window.devicePixelRatio || 1;
    const width = this.canvas.clientWidth;
    if (!this.content || width === 0) return;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    const context = this.canvas.getContext('2d');
    context.scale(ratio, ratio);
    context.font = '11px system-ui, sans-serif';
    this.scales = this.layout(context, width);
    this.drawAxes(context, width);
    context.save();
    context.beginPath();
    const { left, right, top, bottom } = this.box;
    context.rect(left - 4, top - 4, right - left + 8, bottom - top + 8);
    context.clip();
    for (const series of this.content.series) DRAW[series.kind](context, series, this.scales, bottom);
    this.drawCurrent(context);
    context.restore();
    this.readCursor(context);
  }

  layout(context, width) {
    const { series, logx, logy, zero, levels = [] } = this.content;
    const ys = series.flatMap((one) => (one.error ? one.y.flatMap((y, i) => [y - one.error[i], y + one.error[i]]) : one.y));
    const yRange = rangeOf([...ys, ...levels, ...(zero && !logy ? [0] : [])], logy);
    const xRange = rangeOf(series.flatMap((one) => one.x), logx, series.some((one) => one.kind === 'points') ? 0.04 : 0);
    if (logy && series.some((one) => one.kind === 'steps')) yRange[0] = Math.min(yRange[0], 0.7);
    this.yTicks = logy ? logTicks(...yRange) : ticks(...yRange, 4);
    const wide = Math.max(...this.yTicks.map((value) => context.measureText(tickText(value)).width), 8);
    this.box = { left: Math.ceil(wide) + 10, right: width - 8, top: 6, bottom: this.height - (this.content.x ? 32 : 18) };
    this.xTicks = logx ? logTicks(...xRange) : ticks(...xRange, Math.max(2, Math.floor((this.box.right - this.box.left) / 80)));
    return {
      x: scaleOf(xRange, [this.box.left, this.box.right], logx), y: scaleOf(yRange, [this.box.bottom, this.box.top], logy),
    };
  }

  drawAxes(context, width) {
    const { left, right, top, bottom } = this.box;
    context.strokeStyle = color('line');
    context.fillStyle = color('soft');
    context.lineWidth = 1;
    context.textBaseline = 'middle';
    context.textAlign = 'right';
    context.beginPath();
    for (const value of this.yTicks) {
      const y = Math.round(this.scales.y(value)) + 0.5;
      context.moveTo(left, y);
      context.lineTo(right, y);
      context.fillText(tickText(value), left - 5, y);
    }
    context.textAlign = 'center';
    context.textBaseline = 'top';
    for (const value of this.xTicks) {
      const x = Math.round(this.scales.x(value)) + 0.5;
      context.moveTo(x, top);
      context.lineTo(x, bottom);
      const half = context.measureText(tickText(value)).width / 2;
      context.fillText(tickText(value), Math.min(Math.max(x, half), width - half), bottom + 4);
    }
    context.stroke();
    if (this.content.x) context.fillText(this.content.x, (left + right) / 2, bottom + 18);
  }

  drawCurrent(context) {
    const points = this.points();
    if (this.current === null || !points || points.x[this.current] === undefined || points.y[this.current] === null) return;
    context.strokeStyle = color('ink');
    context.lineWidth = 2;
    context.beginPath();
    context.arc(this.scales.x(points.x[this.current]), this.scales.y(points.y[this.current]), 7, 0, 2 * Math.PI);
    context.stroke();
  }

  readCursor(context) {
    const points = this.points();
    let index = this.cursor ? this.nearest(...this.cursor) : null;
    if (index === null && document.activeElement === this.canvas) index = this.current;
    if (index !== null && points) {
      this.read.textContent = [this.content.names?.[index], shown(points.x[index]), shown(points.y[index])].filter(Boolean).join('  ');
      return;
    }
    const line = this.content.series.find((one) => one.kind !== 'points');
    if (!this.cursor || !line || line.x.length < 2) { this.read.textContent = ''; return; }
    const at = this.scales.x.back(this.cursor[0]);
    const found = indexAt(line, at);
    if (found === null) { this.read.textContent = ''; return; }
    const middle = line.kind === 'steps' ? (line.x[found] + line.x[found + 1]) / 2 : line.x[found];
    context.strokeStyle = color('soft');
    context.setLineDash([3, 3]);
    context.beginPath();
    context.moveTo(this.scales.x(middle), this.box.top);
    context.lineTo(this.scales.x(middle), this.box.bottom);
    context.stroke();
    context.setLineDash([]);
    this.read.textContent = `${shown(middle)}  ${shown(line.y[found])}`;
  }
}

function indexAt(line, at) {
  if (at < line.x[0] || at > line.x[line.x.length - 1]) return null;
  let [low, high] = [0, line.x.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (line.x[middle] <= at) low = middle; else high = middle;
  }
  return line.kind === 'steps' ? low : at - line.x[low] < line.x[high] - at ? low : high;
}

const DRAW = {
  line(context, { x, y, tone = 'series-1', dashed }, scales) {
    context.strokeStyle = color(tone);
    context.lineWidth = 1.4;
    context.setLineDash(dashed ? [5, 4] : []);
    context.beginPath();
    let pen = false;
    x.forEach((value, i) => {
      if (y[i] === null) { pen = false; return; }
      if (pen) context.lineTo(scales.x(value), scales.y(y[i]));
      else context.moveTo(scales.x(value), scales.y(y[i]));
      pen = true;
    });
    context.stroke();
    context.setLineDash([]);
  },
  steps(context, { x, y, tone = 'series-1' }, scales, bottom) {
    context.fillStyle = color(tone);
    context.globalAlpha = 0.75;
    y.forEach((value, i) => {
      if (!value) return;
      const [left, right] = [scales.x(x[i]), scales.x(x[i + 1])];
      const top = scales.y(value);
      context.fillRect(left, top, Math.max(right - left - (right - left > 4 ? 0.5 : 0), 0.8), bottom - top);
    });
    context.globalAlpha = 1;
  },
  points(context, { x, y, error, odd, tone = 'series-1' }, scales) {
    x.forEach((value, i) => {
      if (y[i] === null) return;
      const [px, py] = [scales.x(value), scales.y(y[i])];
      context.strokeStyle = color(odd?.[i] ? 'error' : tone);
      context.fillStyle = color(odd?.[i] ? 'panel' : tone);
      context.lineWidth = 1.3;
      context.beginPath();
      if (error?.[i]) { context.moveTo(px, scales.y(y[i] - error[i])); context.lineTo(px, scales.y(y[i] + error[i])); }
      context.stroke();
      context.beginPath();
      context.arc(px, py, 3.4, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
    });
  },
};

/** A Gaussian of the area of a histogram, as a line. */
export function gaussianLine({ edges, counts, gaussian }) {
  if (!gaussian || !(gaussian.sigma > 0)) return null;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const bin = edges[1] - edges[0];
  const x = Array.from({ length: 161 }, (_, i) => gaussian.mean + gaussian.sigma * (i / 20 - 4)).filter((v) => v >= edges[0] && v <= edges[edges.length - 1]);
  const y = x.map((v) => (total * bin * Math.exp(-0.5 * ((v - gaussian.mean) / gaussian.sigma) ** 2)) / (gaussian.sigma * Math.sqrt(2 * Math.PI)));
  return { kind: 'line', x, y: y.map((v) => (v < 0.5 ? null : v)), tone: 'series-2' };
}
