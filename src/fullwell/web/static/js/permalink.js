/** The state in the address: what is after the # shows the same page again, on any day. */

import { allowed } from './allowed.js';
import { DEFAULTS, listen, same, state, update } from './store.js';

/** How each value that is not plain text is written. */
const KINDS = {
  cx: 'number', cy: 'number', zoom: 'number', lo: 'number', hi: 'number', rate: 'number', opacity: 'number',
  planes: 'number', px: 'number', py: 'number', point: 'number', display: 'number',
  problems: 'flag', invert: 'flag', lockview: 'flag', lockstretch: 'flag', blink: 'flag', amplifiers: 'flag',
  circle: 'flag', logarithmic: 'flag', stack: 'list', region: 'box', colors: 'colors',
};

const WRITE = {
  text: String,
  number: (value) => (value === null ? '' : String(Number(value.toPrecision(8)))),
  flag: (value) => (value ? '1' : '0'),
  list: (value) => value.join(','),
  box: (value) => (value ? value.join(',') : ''),
  colors: (value) => Object.entries(value).map(([bit, color]) => `${bit}:${color.slice(1)}`).join(','),
};

const READ = {
  text: (text) => text,
  number: (text) => (text !== '' && Number.isFinite(Number(text)) ? Number(text) : null),
  flag: (text) => text === '1',
  list: (text) => text.split(',').filter(Boolean),
  box: (text) => {
    const box = text.split(',').map(Number);
    return box.length === 4 && box.every(Number.isInteger) && box[0] < box[1] && box[2] < box[3] ? box : null;
  },
  colors: (text) => Object.fromEntries(
    text.split(',').map((part) => /^(\d{1,2}):([0-9a-f]{6})$/.exec(part)).filter(Boolean).map((m) => [m[1], `#${m[2]}`]),
  ),
};

const kind = (name) => (Object.hasOwn(KINDS, name) ? KINDS[name] : 'text');
const known = (name) => Object.hasOwn(DEFAULTS, name) && name !== 'view';

/** The address of a state. */
export function encode(values) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (known(name) && !same(value, DEFAULTS[name])) query.set(name, WRITE[kind(name)](value));
  }
  const text = query.toString().replaceAll('%2C', ',').replaceAll('%3A', ':');
  return `#/${values.view}${text ? `?${text}` : ''}`;
}

/**
 * The state of an address.
 * @returns {{values: Object, refused: string[]}} what is not understood has its default, its names are told
 */
export function decode(hash) {
  const [path, query = ''] = hash.replace(/^#\/?/, '').split('?');
  const values = { ...DEFAULTS, view: path || DEFAULTS.view };
  const strange = [];
  for (const [name, text] of new URLSearchParams(query)) {
    if (!known(name)) { strange.push(name); continue; }
    const value = READ[kind(name)](text);
    if (value === null && text !== '') strange.push(name);
    values[name] = value ?? DEFAULTS[name];
  }
  const { values: left, refused } = allowed(values);
  return { values: left, refused: [...new Set([...strange, ...refused])] };
}

/**
 * Keep address and state together, both ways.
 * @param {(refused: string[]) => void} onread told what an address held that is not allowed
 */
export function follow(onread) {
  let timer = null;
  const read = () => {
    const { values, refused } = decode(location.hash);
    update(values);
    onread(refused);
  };
  read();
  listen((_, changed, push) => {
    clearTimeout(timer);
    // Browsers count the changes of an address: a drag is written once, when it rests.
    if (push) write(true);
    else timer = setTimeout(write, 120, false);
  });
  addEventListener('popstate', () => { clearTimeout(timer); read(); clearTimeout(timer); });
}

function write(push) {
  const address = encode(state());
  if (address === location.hash) return;
  if (push) history.pushState(null, '', address);
  else history.replaceState(null, '', address);
}
