/**
 * A simulator to play with: sliders, switches, an image and its histogram.
 *
 * The same module is a page (page.js) and a widget in a notebook (the default export). It knows nothing of
 * detectors: what can be set comes as a description, and frames come from `take`.
 */

const STEPS = 1000; // places of a slider
const LEAST_BAR = 0.5; // counts at the foot of the logarithmic histogram

const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'testid') made.dataset.testid = value;
    else if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (typeof value === 'boolean') made.toggleAttribute(key, value);
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
};

const power = (control) => (control.scale === 'cubic' ? 3 : 1);
const place = (control, value) =>
  Math.round(STEPS * ((value - control.minimum) / (control.maximum - control.minimum)) ** (1 / power(control)));
const digits = (control) => Math.max(0, -Math.floor(Math.log10(control.step) + 1e-9));
const rounded = (control, value) => {
  const steps = Math.round((value - control.minimum) / control.step) * control.step + control.minimum;
  const within = Math.min(Math.max(steps, control.minimum), control.maximum);
  return Number(within.toFixed(digits(control)));
};
const valueAt = (control, at) =>
  rounded(control, control.minimum + (control.maximum - control.minimum) * (at / STEPS) ** power(control));

/** First values of all sliders; switches are off. */
const firstValues = (description) => ({
  ...Object.fromEntries(description.sliders.map((each) => [each.name, each.value])), seed: 0, noise: 0,
});

/** State as it stands in an address: only what differs from the first values. */
export function toAddress(values, description) {
  const first = firstValues(description);
  const different = Object.entries(values).filter(([name, value]) => value !== first[name]);
  return new URLSearchParams(different.map(([name, value]) => [name, String(value)])).toString();
}

/** State from an address; what cannot be meant is left out. */
export function fromAddress(hash, description) {
  const values = firstValues(description);
  const controls = new Map([...description.sliders, ...description.switches].map((each) => [each.name, each]));
  for (const [name, text] of new URLSearchParams(hash.replace(/^#/, ''))) {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value)) continue;
    if (name === 'seed' || name === 'noise') values[name] = Math.min(Math.max(Math.round(value), 0), description.most_seed - 1);
    else if (controls.has(name)) values[name] = Math.min(Math.max(value, controls.get(name).minimum), controls.get(name).maximum);
  }
  return values;
}

/**
 * Build the simulator in an element.
 *
 * description: what the server says can be set. take(values): a promise of {reading, pixels}. values: what is
 * set at first. changed(values): told of every change. link(): the address of this state, where there is one.
 */
export function mount(root, { description, take, values = firstValues(description), changed = () => {}, link = null }) {
  let state = { ...values };
  let shown = null; // the last frame and its reading
  let wanted = false;
  let running = null;
  let message = '';
  let latency = 0;
  const fields = new Map();

  const image = element('canvas', { testid: 'image', width: 500, height: 500, role: 'img', 'aria-label': 'Simulated frame' });
  const plot = element('canvas', { testid: 'histogram', role: 'img', 'aria-label': 'Histogram with logarithmic counts' });
  const read = element('output', { testid: 'readout', class: 'read' }, 'Point at a pixel');
  const numbers = element('dl', { testid: 'numbers', class: 'numbers' });
  const notice = element('p', { class: 'notice error', role: 'alert', testid: 'notice', hidden: true });
  const choice = (testid, label, options) => {
    const select = element('select', { testid, onchange: () => drawImage() },
      ...options.map(([value, text]) => element('option', { value }, text)));
    return [select, element('label', { class: 'field' }, element('span', {}, label), select)];
  };
  const [stretch, stretchField] = choice('stretch', 'Stretch', [['linear', 'Linear'], ['asinh', 'Asinh'], ['log', 'Logarithmic']]);
  const [limits, limitsField] = choice('limits', 'Black and white', [['most', '99 % of pixels'], ['expected', 'Expected ± 5 σ'], ['all', 'All values']]);

  const button = (testid, text, title, onclick) => element('button', { type: 'button', testid, title, onclick }, text);
  const seed = element('input', { type: 'number', testid: 'seed', min: 0, max: description.most_seed - 1, step: 1,
    onchange: () => set({ ...state, seed: Math.min(Math.max(Math.round(Number(seed.value)) || 0, 0), description.most_seed - 1) }) });
  const actions = element('div', { class: 'actions' },
    button('new-noise', 'New noise', 'The same field once more', () => set({ ...state, noise: (state.noise + 1) % description.most_seed })),
    button('new-field', 'New field', 'Other stars, other faults', () => set({ ...state, seed: (state.seed + 1) % description.most_seed })),
    element('label', { class: 'field' }, element('span', {}, 'Seed'), seed),
    button('reset', 'Reset', 'All as at first', () => set(firstValues(description))),
    ...(link ? [button('copy-link', 'Copy link', 'Address of this state', copyLink)] : []));

  const stages = [...new Set(description.switches.map((each) => each.stage))];
  root.classList.add('simulator');
  root.replaceChildren(
    element('section', { class: 'look', 'aria-label': 'Frame' },
      element('div', { class: 'frame' }, image),
      element('div', { class: 'under' }, stretchField, limitsField, read),
      element('figure', { class: 'bars' }, plot,
        element('figcaption', {}, 'Pixels of each value, counted logarithmically; the line is what the sliders let expect of empty sky.')),
      numbers, notice),
    element('section', { class: 'controls', 'aria-label': 'Controls' },
      actions,
      element('div', { class: 'sliders' }, ...description.sliders.map((each) => sliderOf(each))),
      ...stages.map((stage) => element('details', { testid: `stage-${stage}`, open: true },
        element('summary', {}, stage),
        ...description.switches.filter((each) => each.stage === stage).map(switchOf)))));

  /** A range and a number for one control. */
  function pair(control, prefix, label) {
    const unit = control.unit ? ` ${control.unit}` : '';
    const range = element('input', { type: 'range', min: 0, max: STEPS, step: 1, testid: `${prefix}-${control.name}`, 'aria-label': label,
      oninput: () => set({ ...state, [control.name]: valueAt(control, Number(range.value)) }) });
    const number = element('input', { type: 'number', min: control.minimum, max: control.maximum, step: 'any', testid: `${prefix}-number-${control.name}`,
      'aria-label': `${label}${control.unit ? `, ${control.unit}` : ''}`,
      onchange: () => set({ ...state, [control.name]: number.value === '' || !Number.isFinite(Number(number.value))
        ? state[control.name] : Math.min(Math.max(Number(number.value), control.minimum), control.maximum) }) });
    const show = (value) => {
      if (valueAt(control, Number(range.value)) !== value) range.value = place(control, value);
      range.setAttribute('aria-valuetext', `${value}${unit}`);
      if (Number(number.value) !== value || number.value === '') number.value = value;
    };
    return { parts: [range, number, element('span', { class: 'unit' }, control.unit)], show };
  }

  function sliderOf(control) {
    const { parts, show } = pair(control, 'slider', control.label);
    fields.set(control.name, show);
    return element('div', { class: 'slider', title: control.help }, element('span', { class: 'label' }, control.label), ...parts);
  }

  function switchOf(control) {
    const { parts, show } = pair(control, 'strength', `Strength of ${control.label}`);
    const box = element('input', { type: 'checkbox', testid: `switch-${control.name}`, onchange: () => {
      const { [control.name]: _, ...others } = state;
      set(box.checked ? { ...others, [control.name]: control.value } : others);
    } });
    const strength = element('div', { class: 'slider strength', hidden: true }, ...parts);
    fields.set(control.name, (value) => {
      box.checked = value !== undefined;
      strength.hidden = value === undefined;
      if (value !== undefined) show(value);
    });
    return element('div', { class: 'switch' },
      element('label', { class: 'check' }, box, element('span', {}, control.label, ' ', element('small', {}, control.help))), strength);
  }

  function show() {
    for (const [name, each] of fields) each(state[name]);
    seed.value = state.seed;
  }

  function set(next) {
    state = { ...next };
    show();
    changed(state);
    wanted = true;
    running ??= follow().finally(() => { running = null; });
  }

  /** Take frames until the last change is on the screen; changes in between are passed over. */
  async function follow() {
    while (wanted) {
      wanted = false;
      const begun = performance.now();
      try {
        shown = await take(state);
        message = '';
        draw();
        latency = performance.now() - begun;
      } catch (error) {
        message = error.message || 'No frame came.';
      }
      notice.textContent = message;
      notice.hidden = !message;
    }
  }

  function draw() {
    drawImage();
    drawHistogram();
    drawNumbers();
  }

  function range() {
    const { histogram, expected } = shown.reading;
    if (limits.value === 'all') return [histogram.minimum, Math.max(histogram.maximum, histogram.minimum + 1)];
    if (limits.value === 'expected') return [expected.mean - 5 * expected.sigma, expected.mean + 5 * expected.sigma];
    return histogram.limits;
  }

  function drawImage() {
    if (!shown) return;
    const [rows, columns] = shown.reading.shape;
    const [low, high] = range();
    const bend = { linear: (t) => t, asinh: (t) => Math.asinh(10 * t) / Math.asinh(10), log: (t) => Math.log1p(1000 * t) / Math.log1p(1000) }[stretch.value];
    const grays = new Uint8Array(65536);
    for (let value = 0; value < 65536; value += 1) grays[value] = 255 * bend(Math.min(Math.max((value - low) / (high - low), 0), 1)) + 0.5;
    image.width = columns;
    image.height = rows;
    const picture = new ImageData(columns, rows);
    const words = new Uint32Array(picture.data.buffer);
    for (let y = 0; y < rows; y += 1) {
      const from = (rows - 1 - y) * columns; // row 0 is at the bottom
      for (let x = 0; x < columns; x += 1) {
        const gray = grays[shown.pixels[from + x]];
        words[y * columns + x] = 0xff000000 | (gray << 16) | (gray << 8) | gray;
      }
    }
    image.getContext('2d').putImageData(picture, 0, 0);
  }

  function drawHistogram() {
    if (!shown) return;
    const { histogram, expected } = shown.reading;
    const styles = getComputedStyle(root);
    const color = (name) => styles.getPropertyValue(name).trim();
    const scale = devicePixelRatio || 1;
    const width = plot.clientWidth || 480;
    const height = plot.clientHeight || 170;
    plot.width = Math.round(width * scale);
    plot.height = Math.round(height * scale);
    const pen = plot.getContext('2d');
    pen.scale(scale, scale);
    pen.font = `11px ${styles.fontFamily}`;
    const left = 44, right = 8, top = 8, bottom = 20;
    const bins = histogram.counts.length;
    const first = histogram.start - 0.5;
    const last = first + bins * histogram.width;
    const pixels = shown.pixels.length;
    const curve = (value) => (pixels * histogram.width) / (expected.sigma * Math.sqrt(2 * Math.PI)) * Math.exp(-(((value - expected.mean) / expected.sigma) ** 2) / 2);
    const most = Math.log10(Math.max(...histogram.counts, curve(expected.mean), 10));
    const x = (value) => left + ((value - first) / (last - first)) * (width - left - right);
    const y = (count) => {
      const part = (Math.log10(Math.max(count, LEAST_BAR)) - Math.log10(LEAST_BAR)) / (most - Math.log10(LEAST_BAR));
      return height - bottom - part * (height - top - bottom);
    };
    pen.fillStyle = color('--s-soft');
    pen.strokeStyle = color('--s-line');
    pen.textAlign = 'right';
    for (let decade = 0; decade <= most; decade += 1) {
      pen.beginPath();
      pen.moveTo(left, y(10 ** decade));
      pen.lineTo(width - right, y(10 ** decade));
      pen.stroke();
      pen.fillText(String(10 ** decade), left - 5, y(10 ** decade) + 4);
    }
    pen.textAlign = 'center';
    for (const at of ticks(first, last)) pen.fillText(String(at), x(at), height - 5);
    pen.fillStyle = color('--s-bar');
    const wide = Math.max((width - left - right) / bins, 1);
    histogram.counts.forEach((count, i) => {
      if (count) pen.fillRect(x(first + i * histogram.width), y(count), wide + 0.4, height - bottom - y(count));
    });
    pen.strokeStyle = color('--s-curve');
    pen.lineWidth = 2;
    pen.beginPath();
    for (let i = 0; i <= 300; i += 1) {
      const value = first + ((last - first) * i) / 300;
      pen.lineTo(x(value), y(curve(value)));
    }
    pen.stroke();
  }

  function drawNumbers() {
    const { histogram, expected } = shown.reading;
    const text = (value) => (Math.abs(value) >= 1000 ? value.toFixed(1) : value.toFixed(2));
    const rows = [
      ['expected-mean', 'Expected mean', text(expected.mean)], ['expected-sigma', 'Expected σ', text(expected.sigma)],
      ['median', 'Median', text(histogram.median)], ['robust-sigma', 'σ from quartiles', text(histogram.robust_sigma)],
      ['mean', 'Mean', text(histogram.mean)], ['sigma', 'σ', text(histogram.sigma)],
      ['minimum', 'Lowest', String(histogram.minimum)], ['maximum', 'Highest', String(histogram.maximum)],
      ['saturated', 'Saturated', String(histogram.saturated)],
      ['outside', 'Beyond the bins', String(histogram.below + histogram.above)],
    ];
    numbers.replaceChildren(...rows.map(([testid, name, value]) =>
      element('div', {}, element('dt', {}, name), element('dd', { testid: `number-of-${testid}` }, value))));
  }

  image.addEventListener('pointermove', (event) => {
    if (!shown) return;
    const [rows, columns] = shown.reading.shape;
    const box = image.getBoundingClientRect();
    const x = Math.min(Math.max(Math.floor(((event.clientX - box.left) / box.width) * columns), 0), columns - 1);
    const y = rows - 1 - Math.min(Math.max(Math.floor(((event.clientY - box.top) / box.height) * rows), 0), rows - 1);
    read.textContent = `x ${x}, y ${y}: ${shown.pixels[y * columns + x]} ADU`;
  });

  async function copyLink(event) {
    const pressed = event.currentTarget;
    try {
      await navigator.clipboard.writeText(link());
      pressed.textContent = 'Copied';
    } catch {
      pressed.textContent = 'Copy it from the address'; // a browser may not let pages write there
    }
    setTimeout(() => { pressed.textContent = 'Copy link'; }, 1500);
  }

  const resized = new ResizeObserver(() => drawHistogram());
  resized.observe(plot);
  set(state);

  return {
    set,
    redraw: () => drawHistogram(),
    destroy: () => resized.disconnect(),
    get idle() { return Promise.resolve(running); },
    state: () => ({
      values: { ...state },
      reading: shown ? shown.reading : null,
      pixel: (x, y) => (shown ? shown.pixels[y * shown.reading.shape[1] + x] : null),
      limits: shown ? range() : null,
      latency,
      message,
    }),
  };
}

/** Round numbers along an axis. */
function ticks(first, last) {
  const rough = (last - first) / 6;
  const decade = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(decade * [1, 2, 5, 10].find((each) => each * decade >= rough), 1);
  const found = [];
  for (let at = Math.ceil(first / step) * step; at <= last; at += step) found.push(Math.round(at));
  return found;
}

/** A widget: frames come from the kernel. */
export default {
  render({ model, el }) {
    const waiting = new Map();
    let number = Math.floor(Math.random() * 2 ** 40); // another view of the same model counts elsewhere
    const came = () => {
      const played = model.get('played');
      const settle = waiting.get(played.number);
      if (!settle) return;
      waiting.delete(played.number);
      if (played.error) settle.reject(new Error(played.error));
      else {
        const view = played.pixels;
        const bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
        settle.resolve({ reading: played.reading, pixels: new Uint16Array(bytes) });
      }
    };
    model.on('change:played', came);
    const take = (parameters) => new Promise((resolve, reject) => {
      number += 1;
      waiting.set(number, { resolve, reject });
      model.set('asked', { number, parameters });
      model.save_changes();
    });
    const root = element('div');
    el.append(root);
    const description = model.get('description');
    const values = { ...firstValues(description), ...model.get('parameters') };
    // Sent at once: what the kernel says of an older state would else take the place of one that only waits here.
    const changed = (state) => { model.set('parameters', state); model.save_changes(); };
    const simulator = mount(root, { description, take, values, changed });
    const told = () => { // by the kernel, or by another view
      const next = { ...firstValues(description), ...model.get('parameters') };
      const order = (each) => JSON.stringify(Object.entries(each).sort());
      if (order(next) !== order(simulator.state().values)) simulator.set(next);
    };
    model.on('change:parameters', told);
    return () => {
      model.off('change:played', came);
      model.off('change:parameters', told);
      simulator.destroy();
    };
  },
};
