/** The reports that lie in the folder; each opens in a tab of its own, without rights. */

import { getJson } from './api.js';
import { asking } from './asking.js';
import { el, notice } from './dom.js';
import { onFrames } from './library.js';
import { state } from './store.js';

/** Build the view. */
export function reportsView() {
  const place = el('div');
  const body = el('div', { testid: 'reports' });
  const element = el('div', { class: 'page reports' }, el('h2', {}, 'Reports'), place, body);
  let generation = 0;
  onFrames(() => { generation += 1; if (state().view === 'reports') show(); });
  const ask = asking('reports', place, async (signal) => {
    const { reports } = await getJson('reports', {}, { signal });
    const item = ({ name, address }) => el('li', {}, el('a', { href: local(address), target: '_blank', rel: 'noopener noreferrer', testid: 'report' }, name));
    body.replaceChildren(reports.length ? el('ul', { class: 'cards-list' }, ...reports.map(item))
      : notice('There is no report in this folder. fullwell reduce and fullwell characterize write them.', { testid: 'reports-none' }));
  });
  const show = () => ask(`reports ${generation}`);
  return { element, show };
}

/** The address if it is one of this server, else none. */
function local(address) {
  const url = new URL(address, location.href);
  return url.origin === location.origin ? url.href : '#/reports';
}
