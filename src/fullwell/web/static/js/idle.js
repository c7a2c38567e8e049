/** Counts what is pending, so that a test (or a script) can wait for the page instead of sleeping. */

let pending = 0;
let waiting = [];

/** Say that something began; call what is returned when it is over. */
export function begin() {
  pending += 1;
  let over = false;
  return () => {
    if (over) return;
    over = true;
    pending -= 1;
    if (pending === 0) {
      const ready = waiting;
      waiting = [];
      for (const resolve of ready) resolve();
    }
  };
}

/** Count a promise as pending until it settles. */
export function track(promise) {
  const end = begin();
  return promise.finally(end);
}

/** Run `work` at the next repaint of the screen, once however often it is asked for. */
export function atNextPaint(work) {
  let end = null;
  return () => {
    if (end) return;
    end = begin();
    requestAnimationFrame(() => {
      const finish = end;
      end = null;
      try { work(); } finally { finish(); }
    });
  };
}

/** Run `work` when calls have stopped for `delay` ms; it is pending until then. */
export function whenQuiet(delay, work) {
  let timer = null;
  let end = null;
  return (...values) => {
    clearTimeout(timer);
    end = end ?? begin();
    timer = setTimeout(async () => {
      const finish = end;
      end = null;
      try { await work(...values); } finally { finish(); }
    }, delay);
  };
}

/** Resolves when nothing is pending and the screen shows it. */
export async function idle() {
  for (;;) {
    while (pending > 0) await new Promise((resolve) => waiting.push(resolve));
    await new Promise((resolve) => requestAnimationFrame(resolve));
    if (pending === 0) await new Promise((resolve) => requestAnimationFrame(resolve));
    if (pending === 0) return;
  }
}
