/** Light or dark: as the system says, unless the switch says otherwise. */

import { el } from './dom.js';

const KEY = 'fullwell-theme';
const listeners = new Set();
const system = matchMedia('(prefers-color-scheme: dark)');

/** Be told when the colors change. */
export const onTheme = (listener) => listeners.add(listener);

/** A color of the style sheet by name. */
export const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Apply the stored choice and return the switch. */
export function themeSwitch() {
  const toggle = el('button', { type: 'button', testid: 'theme', class: 'quiet', onclick: () => apply(dark() ? 'light' : 'dark', true) });
  const apply = (theme, chosen) => {
    document.documentElement.dataset.theme = theme;
    if (chosen) remember(theme);
    toggle.textContent = theme === 'dark' ? 'Light' : 'Dark';
    toggle.title = `Change to ${theme === 'dark' ? 'light' : 'dark'} colors`;
    for (const listener of listeners) listener();
  };
  system.addEventListener('change', () => { if (!remembered()) apply(system.matches ? 'dark' : 'light', false); });
  apply(remembered() ?? (system.matches ? 'dark' : 'light'), false);
  return toggle;
}

const dark = () => document.documentElement.dataset.theme === 'dark';

function remembered() {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === 'dark' || theme === 'light' ? theme : null;
  } catch { return null; } // storage can be switched off
}

function remember(theme) {
  try { localStorage.setItem(KEY, theme); } catch { /* then it holds until the page is left */ }
}
