/** Calls of the server: JSON, raw pixels, and errors in words. */

import { track } from './idle.js';

/** What the server (or the way to it) refused; `code` is gone, changed, unreadable, not-found, bad-request, busy or offline. */
export class ApiError extends Error {
  /** @param {string} message @param {string} code @param {number} status */
  constructor(message, code, status) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** Address of a call; parameters that are null are left out. */
export function address(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined) query.set(name, String(value));
  }
  const text = query.toString();
  return `api/${path}${text ? `?${text}` : ''}`;
}

/** Get JSON. `counted: false` is for polling, which never ends. */
export function getJson(path, parameters = {}, { signal = undefined, counted = true } = {}) {
  const work = request(address(path, parameters), signal).then((response) => response.json());
  return counted ? track(work) : work;
}

/**
 * Get the pixels of a tile.
 * @returns {Promise<{data: Uint16Array|Float32Array, rows: number, columns: number}>}
 */
export async function getPixels(path, parameters = {}, { signal = undefined } = {}) {
  const response = await request(address(path, parameters), signal);
  const [rows, columns] = (response.headers.get('X-Shape') ?? '').split(',').map(Number);
  const buffer = await response.arrayBuffer();
  const data = response.headers.get('X-Dtype') === 'float32' ? new Float32Array(buffer) : new Uint16Array(buffer);
  if (data.length !== rows * columns) {
    throw new ApiError('The server sent a tile of the wrong size. Load the page again.', 'unreadable', 200);
  }
  return { data, rows, columns };
}

const running = new Map();

/** A signal for the newest call of one name: asking again cancels the call before. */
export function newest(name) {
  running.get(name)?.abort();
  const controller = new AbortController();
  running.set(name, controller);
  return controller.signal;
}

/** Whether an error only says that a newer call took over. */
export const isCancelled = (error) => error?.name === 'AbortError';

/** Words for any error. */
export function words(error) {
  return error instanceof ApiError ? error.message : `Something went wrong in the page: ${error?.message ?? error}`;
}

async function request(where, signal) {
  let response;
  try {
    response = await fetch(where, { signal });
  } catch (error) {
    if (isCancelled(error)) throw error;
    throw new ApiError('The server does not answer. Is fullwell inspect still running?', 'offline', 0);
  }
  if (response.ok) return response;
  let told = {};
  try { told = await response.json(); } catch { /* not JSON: the status has to do */ }
  throw new ApiError(told.error ?? `The server answered ${response.status}.`, told.code ?? 'not-found', response.status);
}
