/**
 * Small helpers that build elements. Text always goes in as text, never as markup: names of files and
 * header cards are written by strangers.
 */

/**
 * Build an element.
 * @param {string} tag
 * @param {Object<string, any>} attributes `testid` becomes data-testid, `on...` a listener, true an empty attribute
 * @param {...(Node|string|number|null|undefined|Array)} children
 * @returns {any}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'testid') element.dataset.testid = value;
    else if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'value') element.value = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** A push button; `pressed` (true or false) makes it a switch. */
export function button(testid, text, onclick, { title = '', pressed = null, kind = '' } = {}) {
  return el('button', {
    type: 'button', testid, onclick, title: title || null, class: kind || null,
    'aria-pressed': pressed === null ? null : String(pressed),
    'aria-label': title && text.length < 3 ? title : null,
  }, text);
}

/**
 * A labelled choice.
 * @param {Array<[string, string]>} options value and text
 */
export function choice(testid, label, options, value, onchange, { visible = true } = {}) {
  const box = el('select', { testid, 'aria-label': label, onchange: () => onchange(box.value) });
  fillChoice(box, options, value);
  return visible ? el('label', { class: 'field' }, el('span', {}, label), box) : box;
}

/** Put new options into a choice, only when they differ, so that an open list stays open. */
export function fillChoice(box, options, value) {
  const key = JSON.stringify(options);
  if (box.dataset.options !== key) {
    box.replaceChildren(...options.map(([name, text]) => el('option', { value: name }, text)));
    box.dataset.options = key;
  }
  box.value = value;
}

/** A labelled box for a number or words; `onchange` gets the text when it is entered. */
export function entry(testid, label, value, onchange, { type = 'text', live = false, placeholder = null, visible = true } = {}) {
  const box = el('input', { testid, type, value, placeholder, 'aria-label': label, autocomplete: 'off', spellcheck: 'false' });
  if (type === 'text' && !live) box.setAttribute('inputmode', 'decimal');
  box.addEventListener(live ? 'input' : 'change', () => onchange(box.value));
  return visible ? el('label', { class: 'field' }, el('span', {}, label), box) : box;
}

/** A labelled check box. */
export function check(testid, label, checked, onchange, { title = null } = {}) {
  const box = el('input', { type: 'checkbox', testid, onchange: () => onchange(box.checked) });
  box.checked = checked;
  return el('label', { class: 'check', title }, box, el('span', {}, label));
}

/** A message instead of an empty place. */
export function notice(text, { tone = 'note', testid = 'notice', role = null } = {}) {
  return el('p', { class: `notice ${tone}`, testid, role }, text);
}

/** A number for people: few digits, no exponent where it can be helped. */
export function shown(value, digits = 6) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (typeof value !== 'number') return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e12) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) return value.toExponential(Math.max(0, digits - 3));
  return String(Number(value.toPrecision(digits)));
}

/** A size in bytes for people. */
export function shownBytes(bytes) {
  if (bytes === null || bytes === undefined) return '';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let step = 0;
  while (bytes >= 1000 && step < units.length - 1) { bytes /= 1000; step += 1; }
  return `${bytes < 10 && step ? bytes.toFixed(1) : Math.round(bytes)} ${units[step]}`;
}
