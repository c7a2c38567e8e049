/** What the server knows of the folder: session, list of frames, and the details of each frame. */

import { getJson } from './api.js';
import { track } from './idle.js';
import { chosen, suffixesOf } from './filters.js';
import { state } from './store.js';

let session = { version: '', roots: [], flags: [], simulator: false };
let listing = { generation: -1, scanning: true, frames: [], remarks: [] };
let byId = new Map();
let suffixes = new Map(); // what tells frames of one name apart
const details = new Map();
const listeners = new Set();

/** Be told when the list of frames changed. */
export const onFrames = (listener) => listeners.add(listener);
export const theSession = () => session;
export const frames = () => listing.frames;
export const scanning = () => listing.scanning;
/** Sentences about what was left out of the list. */
export const remarks = () => listing.remarks;
export const frame = (id) => byId.get(id) ?? null;

/** Load session and frames, then look for changes now and then. */
export async function open() {
  const [told] = await Promise.all([getJson('session'), refresh({ counted: true })]);
  session = told;
  const again = async () => {
    if (!document.hidden) await refresh({ counted: false }).catch(() => {}); // said when something is asked for
    setTimeout(again, listing.scanning ? 400 : 4000);
  };
  setTimeout(again, listing.scanning ? 100 : 4000);
  return session;
}

/** Ask for the list again. */
export async function refresh({ counted = true } = {}) {
  const news = await getJson('frames', {}, { counted });
  if (news.generation === listing.generation && news.scanning === listing.scanning) return;
  listing = news;
  byId = new Map(news.frames.map((entry) => [entry.id, entry]));
  suffixes = suffixesOf(news.frames);
  for (const listener of listeners) listener();
}

/** Ask for the list until a frame is in it, since the server looks through the folder after it answered; or some seconds are over. */
export async function lookedFor(id) {
  for (let times = 0; times < 15; times += 1) {
    await refresh();
    if (byId.has(id) && !listing.scanning) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Details of a frame (shape, limits, amplifiers ...), asked for once. */
export function detailsOf(id, { counted = true } = {}) {
  if (!details.has(id)) {
    const answer = getJson(`frames/${encodeURIComponent(id)}`, {}, { counted: false });
    details.set(id, answer);
    answer.then((told) => { if (!byId.has(id) && !unlisted.has(id)) unlisted.set(id, told.layout === 'assembled' ? `${told.name} (assembled)` : told.name); }, () => details.delete(id));
  }
  return counted ? track(details.get(id)) : details.get(id);
}

/** Forget the details of a frame: its file changed or is gone. */
export const forget = (id) => details.delete(id);

/** What tells a frame from others of the same name, or nothing. */
export const suffixOf = (id) => suffixes.get(id) ?? '';

/** Name of a frame for people, which no other frame has; or its id. */
export const nameOf = (id) => (byId.has(id) ? byId.get(id).name + suffixOf(id) : unlisted.get(id) ?? id);

const unlisted = new Map(); // names of frames that are in no list: other layouts, and those that scripts sent

/** Give names to frames that scripts sent: they are in no folder. */
export function nameDisplays(displays) {
  for (const display of displays) unlisted.set(display.id, display.title || `Display ${display.number}`);
}

/** The frames that n, p and b go through: the chosen stack, or else what the night table shows. */
export function sequence() {
  const now = state();
  if (now.stack.length > 1) return now.stack;
  const listed = chosen(listing.frames, now).filter((entry) => entry.shape).map((entry) => entry.id);
  if (now.frame && !listed.includes(now.frame)) return listing.frames.filter((entry) => entry.shape).map((entry) => entry.id);
  return listed;
}

/** The frame `step` places on from the one shown, round the end. */
export function neighbor(step) {
  const ids = sequence();
  if (ids.length === 0) return null;
  const at = ids.indexOf(state().frame);
  return at < 0 ? ids[0] : ids[(at + step + ids.length) % ids.length];
}
