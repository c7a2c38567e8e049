/** What lies over the pixels: region, amplifiers, marks of scripts, the pinned pixel, a grid at high zoom. */

const GRID_FROM = 12; // device pixels a pixel
const OUTLINE = 'rgb(0 0 0 / .65)';

/** Draw all of it. */
export function drawAbove(pane) {
  const context = pane.above.getContext('2d');
  context.clearRect(0, 0, pane.above.width, pane.above.height);
  if (!pane.source) return;
  const ratio = window.devicePixelRatio || 1;
  const { amplifiers, region, circle, marks, pin } = pane.drawn;
  if (pane.resolved().scale >= GRID_FROM) grid(context, pane);
  for (const amplifier of amplifiers ?? []) outlineAmplifier(context, pane, amplifier, ratio);
  const box = pane.draft ?? region;
  if (box) outline(context, ratio, '#ffd166', () => (circle && !pane.draft ? ellipse(context, pane, box) : rectangle(context, pane, box)));
  for (const mark of marks ?? []) drawMark(context, pane, mark, ratio);
  if (pin) outline(context, ratio, '#7cf5c0', () => crosshair(context, pane, pin, ratio));
}

function outline(context, ratio, color, path, width = 1.5) {
  for (const [style, size] of [[OUTLINE, width + 2], [color, width]]) {
    context.strokeStyle = style;
    context.lineWidth = size * ratio;
    context.beginPath();
    path();
    context.stroke();
  }
}

function rectangle(context, pane, [x0, x1, y0, y1]) {
  const [left, top] = pane.toCanvas(x0, y1);
  const [right, bottom] = pane.toCanvas(x1, y0);
  context.rect(left, top, right - left, bottom - top);
}

function ellipse(context, pane, [x0, x1, y0, y1]) {
  const [x, y] = pane.toCanvas((x0 + x1) / 2, (y0 + y1) / 2);
  const { scale } = pane.resolved();
  context.ellipse(x, y, ((x1 - x0) / 2) * scale, ((y1 - y0) / 2) * scale, 0, 0, 2 * Math.PI);
}

function crosshair(context, pane, [px, py], ratio) {
  const [left, top] = pane.toCanvas(px, py + 1);
  const size = pane.resolved().scale;
  if (size >= 4 * ratio) { context.rect(left, top, size, size); return; }
  const [x, y] = [left + size / 2, top + size / 2];
  for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
    context.moveTo(x + 4 * dx * ratio, y + 4 * dy * ratio);
    context.lineTo(x + 12 * dx * ratio, y + 12 * dy * ratio);
  }
}

function grid(context, pane) {
  const { cx, cy, scale, width, height } = pane.resolved();
  context.strokeStyle = 'rgb(128 128 128 / .3)';
  context.lineWidth = 1;
  context.beginPath();
  for (let x = Math.ceil(cx - width / 2 / scale); x <= cx + width / 2 / scale; x += 1) {
    const place = Math.round(pane.toCanvas(x, 0)[0]) + 0.5;
    context.moveTo(place, 0);
    context.lineTo(place, height);
  }
  for (let y = Math.ceil(cy - height / 2 / scale); y <= cy + height / 2 / scale; y += 1) {
    const place = Math.round(pane.toCanvas(0, y)[1]) + 0.5;
    context.moveTo(0, place);
    context.lineTo(width, place);
  }
  context.stroke();
}

const SECTION_COLORS = { data: '#7cb7ff' };

function outlineAmplifier(context, pane, { name, boxes }, ratio) {
  for (const { section, x0, x1, y0, y1 } of boxes) {
    outline(context, ratio, SECTION_COLORS[section] ?? '#ffab70', () => rectangle(context, pane, [x0, x1, y0, y1]), 1);
    if (section === 'data') label(context, ratio, name, ...pane.toCanvas((x0 + x1) / 2, (y0 + y1) / 2), SECTION_COLORS.data);
  }
}

function label(context, ratio, text, x, y, color, up = 0) {
  context.font = `600 ${12 * ratio}px system-ui, sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.lineWidth = 3 * ratio;
  context.strokeStyle = OUTLINE;
  context.strokeText(text, x, y + up);
  context.fillStyle = color;
  context.fillText(text, x, y + up);
}

/** One mark of a script: centers of pixels have whole numbers there. */
function drawMark(context, pane, mark, ratio) {
  const color = typeof mark.color === 'string' && CSS.supports('color', mark.color) ? mark.color : '#ff5d5d';
  const scale = pane.resolved().scale;
  const at = (x, y) => pane.toCanvas(x + 0.5, y + 0.5);
  const kind = mark.kind ?? mark.type ?? 'dot';
  if (kind === 'line') {
    const points = mark.points ?? [];
    outline(context, ratio, color, () => points.forEach(([x, y], i) => (i ? context.lineTo(...at(x, y)) : context.moveTo(...at(x, y)))));
  } else if (kind === 'box') {
    outline(context, ratio, color, () => rectangle(context, pane, [mark.x0 + 0.5, mark.x1 + 0.5, mark.y0 + 0.5, mark.y1 + 0.5]));
  } else {
    drawDot(context, mark, at(mark.x, mark.y), Math.max(3 * ratio, (mark.size ?? 2) * scale), color, ratio);
  }
  const [x, y] = kind === 'box' ? [mark.x1, mark.y1] : kind === 'line' ? highest(mark.points ?? []) : [mark.x, mark.y];
  if (mark.label) label(context, ratio, String(mark.label).slice(0, 80), ...at(x, y + (mark.size ?? 0)), color, -9 * ratio);
}

const highest = (points) => points.reduce((one, two) => (two[1] > one[1] ? two : one), [0, -Infinity]);

function drawDot(context, mark, [x, y], size, color, ratio) {
  const symbol = mark.symbol ?? 'o';
  if (symbol === '+' || symbol === 'x') {
    const turn = symbol === 'x' ? Math.SQRT1_2 : 0;
    outline(context, ratio, color, () => {
      for (const [dx, dy] of turn ? [[turn, turn], [turn, -turn]] : [[1, 0], [0, 1]]) {
        context.moveTo(x - dx * size, y - dy * size);
        context.lineTo(x + dx * size, y + dy * size);
      }
    });
  } else if (symbol === 'o') {
    outline(context, ratio, color, () => { context.moveTo(x + size, y); context.arc(x, y, size, 0, 2 * Math.PI); });
  } else {
    label(context, ratio, String(symbol).slice(0, 80), x, y, color);
  }
}
