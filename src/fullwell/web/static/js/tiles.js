/** Raw tiles: fetched in the order of need, kept up to a number of bytes, shared by all panes. */

import { getPixels, isCancelled } from './api.js';
import { begin } from './idle.js';

const MOST_BYTES = 384e6;
const AT_ONCE = 6;

const kept = new Map(); // key -> tile; the order of insertion is the order of use
const failed = new Map(); // key -> error
const running = new Set();
const wanted = new Map(); // who -> [request]
let bytes = 0;
let end = null;
const listeners = new Set();

/** Be told of each tile that came, or failed: `listener(key)`. */
export const onTile = (listener) => listeners.add(listener);

/** A tile at hand, or null. */
export function tileAt(key) {
  const tile = kept.get(key);
  if (!tile) return null;
  kept.delete(key);
  kept.set(key, tile);
  return tile;
}

/** Why a tile did not come, or null. */
export const failureOf = (key) => failed.get(key) ?? null;

/**
 * Say which tiles `who` needs now; what it needed before and did not get is dropped.
 * @param {string} who
 * @param {Array<{key: string, path: string, parameters: Object}>} requests most needed first
 * @param {{counted?: boolean}} options counted: the page is not idle before they are there
 */
export function want(who, requests, { counted = true } = {}) {
  wanted.set(who, requests.map((request) => ({ ...request, counted })));
  next();
}

/** Forget tiles and failures of one frame. */
export function drop(id) {
  const start = `${id}/`;
  for (const [key, tile] of kept) if (key.startsWith(start)) { kept.delete(key); bytes -= tile.data.byteLength; }
  for (const key of failed.keys()) if (key.startsWith(start)) failed.delete(key);
}

/** Bytes of the tiles at hand. */
export const keptBytes = () => bytes;

function next() {
  const lists = [...wanted.values()];
  const open = lists.flat().filter(({ key }) => !kept.has(key) && !failed.has(key));
  const counted = open.some((request) => request.counted);
  if (counted && !end) end = begin();
  if (!counted && end) { end(); end = null; }
  const ordered = [...open.filter((request) => request.counted), ...open.filter((request) => !request.counted)];
  for (const request of ordered) {
    if (running.size >= AT_ONCE) return;
    if (!running.has(request.key)) load(request);
  }
}

async function load({ key, path, parameters }) {
  running.add(key);
  try {
    const tile = await getPixels(path, parameters);
    kept.set(key, tile);
    bytes += tile.data.byteLength;
    trim();
  } catch (error) {
    if (!isCancelled(error)) failed.set(key, error);
  }
  running.delete(key);
  for (const listener of listeners) listener(key);
  next();
}

function trim() {
  for (const [key, tile] of kept) {
    if (bytes <= MOST_BYTES) return;
    kept.delete(key);
    bytes -= tile.data.byteLength;
  }
}
