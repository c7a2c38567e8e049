/** A panel that asks the server: the newest question wins, an error becomes a message, nothing is asked twice. */

import { isCancelled, newest, words } from './api.js';
import { notice } from './dom.js';
import { track } from './idle.js';

/**
 * Something that asks and shows.
 * @param {string} name
 * @param {HTMLElement} place of messages
 * @param {(signal: AbortSignal, ...values: any[]) => Promise<void>} ask
 * @returns {(key: string, ...values: any[]) => void} call it as often as wanted; only a new key asks
 */
export function asking(name, place, ask) {
  let last = null;
  return (key, ...values) => {
    if (key === last) return;
    last = key;
    const signal = newest(name);
    if (key === null) return;
    track(ask(signal, ...values).then(
      () => { if (last === key) place.replaceChildren(); },
      (error) => {
        if (isCancelled(error) || last !== key) return;
        last = undefined; // the same question may be asked again
        place.replaceChildren(notice(words(error), { tone: 'error', testid: `${name}-error`, role: 'alert' }));
      },
    ));
  };
}
