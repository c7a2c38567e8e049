/** Pointer, wheel, touch and arrow keys on a pane. */

const CLICK = 4; // CSS pixels that a click may wander

/** Let a pane follow pointers and keys. */
export function listenTo(pane) {
  const { above } = pane;
  const pointers = new Map();
  let drag = null;
  const spread = () => {
    const [a, b] = [...pointers.values()];
    return { size: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
  };

  above.addEventListener('pointerdown', (event) => {
    if (event.button > 0 || !pane.source) return;
    above.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const boxing = event.shiftKey || pane.calls.tool() === 'box';
    drag = pointers.size === 2 ? { pinch: spread() }
      : { boxing, x: event.clientX, y: event.clientY, start: pane.toFrame(event.clientX, event.clientY), moved: false };
  });

  above.addEventListener('pointermove', (event) => {
    const [x, y] = pane.toFrame(event.clientX, event.clientY);
    if (!pointers.has(event.pointerId)) { pane.calls.hover(Math.floor(x), Math.floor(y)); return; }
    const before = pointers.get(event.pointerId);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (drag?.pinch && pointers.size === 2) {
      const now = spread();
      pane.panBy(now.x - drag.pinch.x, now.y - drag.pinch.y);
      pane.zoomAt(now.size / Math.max(1, drag.pinch.size), now.x, now.y);
      drag.pinch = now;
      return;
    }
    if (!drag || drag.pinch) return;
    if (!drag.moved && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < CLICK) return;
    if (drag.boxing) pane.draft = boxOf(pane, drag.start, [x, y]);
    else if (drag.moved) pane.panBy(event.clientX - before.x, event.clientY - before.y);
    else pane.panBy(event.clientX - drag.x, event.clientY - drag.y);
    drag.moved = true;
    pane.paintAbove();
  });

  const up = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    const done = drag;
    drag = null;
    if (!done || done.pinch || event.type === 'pointercancel') { pane.draft = null; return; }
    if (done.boxing && pane.draft) pane.calls.box(pane.draft);
    else if (!done.moved) pane.calls.pin(...pane.toFrame(event.clientX, event.clientY).map(Math.floor));
    pane.draft = null;
  };
  above.addEventListener('pointerup', up);
  above.addEventListener('pointercancel', up);
  above.addEventListener('pointerleave', () => { if (pointers.size === 0) pane.calls.hover(null, null); });

  above.addEventListener('wheel', (event) => {
    event.preventDefault();
    if (!pane.source) return;
    const lines = event.deltaMode === 1 ? 16 : 1;
    pane.zoomAt(2 ** (-event.deltaY * lines / (event.ctrlKey ? 60 : 240)), event.clientX, event.clientY);
  }, { passive: false });

  above.addEventListener('dblclick', (event) => pane.zoomAt(2, event.clientX, event.clientY));

  above.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!step || !pane.source || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const by = event.shiftKey ? 10 : 1;
    pane.calls.move(step[0] * by, step[1] * by);
  });
}

/** Whole pixels between two points, within the frame: [x0, x1, y0, y1], half-open, or null where nothing is left. */
function boxOf(pane, [ax, ay], [bx, by]) {
  const [rows, columns] = pane.source.shape;
  const within = (value, most) => Math.max(0, Math.min(most, value));
  const box = [
    within(Math.floor(Math.min(ax, bx)), columns), within(Math.ceil(Math.max(ax, bx)), columns),
    within(Math.floor(Math.min(ay, by)), rows), within(Math.ceil(Math.max(ay, by)), rows),
  ];
  return box[0] < box[1] && box[2] < box[3] ? box : null;
}
