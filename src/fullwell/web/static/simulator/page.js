/** The simulator as a page: frames come from the server, the state stands in the address. */

import { VIEWS } from '../js/views.js';
import { mount, fromAddress, toAddress } from './simulator.js';

const THEME = 'fullwell-theme'; // the inspector's pages share it

async function json(address) {
  const answer = await fetch(address);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error);
  return body;
}

async function take(parameters) {
  const answer = await fetch(`../api/simulator/frame?parameters=${encodeURIComponent(JSON.stringify(parameters))}`);
  if (!answer.ok) throw new Error((await answer.json()).error);
  const body = await answer.arrayBuffer();
  const length = new DataView(body).getUint32(0, true);
  const reading = JSON.parse(new TextDecoder().decode(new Uint8Array(body, 4, length)));
  return { reading, pixels: littleEndian(body, 4 + length) };
}

/** 16-bit numbers as this processor keeps them. */
function littleEndian(buffer, start) {
  const view = new DataView(buffer, start);
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] === 1) return new Uint16Array(buffer, start);
  return Uint16Array.from({ length: view.byteLength / 2 }, (_, i) => view.getUint16(2 * i, true));
}

function remembered() {
  try { return localStorage.getItem(THEME); } catch { return null; } // storage can be switched off
}

function themes(redraw) {
  const button = document.querySelector('[data-testid="theme"]');
  const system = matchMedia('(prefers-color-scheme: dark)');
  const apply = (theme) => {
    document.documentElement.dataset.theme = theme;
    button.textContent = theme === 'dark' ? 'Light' : 'Dark';
    redraw();
  };
  const first = () => (['dark', 'light'].includes(remembered()) ? remembered() : system.matches ? 'dark' : 'light');
  button.addEventListener('click', () => {
    const theme = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
    try { localStorage.setItem(THEME, theme); } catch { /* then it holds until the page is left */ }
    apply(theme);
  });
  system.addEventListener('change', () => apply(first()));
  apply(first());
}

/** The tabs of the inspector, before the one of this page. */
function tabs() {
  document.querySelector('#tabs').prepend(...VIEWS.map(([name, title]) => {
    const tab = document.createElement('a');
    tab.href = `../#/${name}`;
    tab.dataset.testid = `view-${name}`;
    tab.textContent = title;
    return tab;
  }));
}

tabs();
const root = document.querySelector('main');
try {
  const description = await json('../api/simulator');
  let own = location.hash;
  const simulator = mount(root, {
    description,
    take,
    values: fromAddress(location.hash, description),
    changed(values) {
      own = `#${toAddress(values, description)}`;
      history.replaceState(null, '', own === '#' ? location.pathname : own);
    },
    link: () => location.href,
  });
  addEventListener('hashchange', () => {
    if (location.hash !== own) simulator.set(fromAddress(location.hash, description));
  });
  themes(() => simulator.redraw());
  window.simulator = simulator;
} catch (error) {
  const message = document.createElement('p');
  message.className = 'notice error';
  message.setAttribute('role', 'alert');
  message.textContent = `The simulator does not answer: ${error.message}`;
  root.replaceChildren(message);
}
