/** What a pane draws: the tiles of one frame, or the difference of two. */

import { failureOf, tileAt } from './tiles.js';

/** Shape of a level: pooled by two, rounded up, as often as the level says. */
export function shapeAt([rows, columns], level) {
  const size = 2 ** level;
  return [Math.ceil(rows / size), Math.ceil(columns / size)];
}

/** The tiles of one plane of one frame. */
export class FrameSource {
  /**
   * @param {Object} details of the frame, from the server
   * @param {{plane?: string, pool?: string}} options
   */
  constructor(details, { plane = 'data', pool = 'mean' } = {}) {
    this.id = details.id;
    this.details = details;
    this.shape = details.shape;
    this.levels = details.levels;
    this.tile = details.tile;
    this.plane = plane;
    this.pool = pool;
    this.whole = plane === 'flags' || (plane === 'data' && details.tile_dtype === 'uint16');
  }

  /** The request of one tile. */
  request(level, row, column) {
    return {
      key: `${this.id}/${this.details.version}/${this.plane}/${this.pool}/${level}/${row}/${column}`,
      path: `frames/${encodeURIComponent(this.id)}/tile/${this.plane}/${level}/${row}/${column}`,
      parameters: { pool: this.pool, v: this.details.version },
    };
  }

  /** All requests that a tile is made of. */
  requests(level, row, column) {
    return [this.request(level, row, column)];
  }

  /** A tile at hand, or null. */
  at(level, row, column) {
    return tileAt(this.request(level, row, column).key);
  }

  /** Why a tile cannot be had, or null. */
  failure(level, row, column) {
    return failureOf(this.request(level, row, column).key);
  }

  /** Value of a pixel of the full resolution if its tile is at hand, else undefined. */
  value(x, y) {
    const tile = this.at(0, Math.floor(y / this.tile), Math.floor(x / this.tile));
    return tile ? tile.data[(y % this.tile) * tile.columns + (x % this.tile)] : undefined;
  }
}

/** One frame minus another, pixel by pixel, made in the browser. */
export class DifferenceSource {
  /** @param {FrameSource} one @param {FrameSource} two of the same shape */
  constructor(one, two) {
    this.one = one;
    this.two = two;
    this.id = `${one.id}-${two.id}`;
    this.details = one.details;
    this.shape = one.shape;
    this.levels = Math.min(one.levels, two.levels);
    this.tile = one.tile;
    this.pool = one.pool;
    this.plane = one.plane;
    this.whole = false;
    this.made = new Map();
  }

  requests(level, row, column) {
    return [this.one.request(level, row, column), this.two.request(level, row, column)];
  }

  at(level, row, column) {
    const [one, two] = [this.one.at(level, row, column), this.two.at(level, row, column)];
    if (!one || !two) return null;
    const key = `${level}/${row}/${column}`;
    if (!this.made.has(key)) {
      if (this.made.size > 64) this.made.clear();
      this.made.set(key, { ...one, data: Float32Array.from(one.data, (value, i) => value - two.data[i]) });
    }
    return this.made.get(key);
  }

  failure(level, row, column) {
    return this.one.failure(level, row, column) ?? this.two.failure(level, row, column);
  }

  value(x, y) {
    const [one, two] = [this.one.value(x, y), this.two.value(x, y)];
    return one === undefined || two === undefined ? undefined : one - two;
  }
}
