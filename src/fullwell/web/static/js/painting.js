/** From tiles to pixels of the screen: the loops that must be fast. Row 0 is at the bottom. */

import { NOTHING, rgb } from './stretch.js';
import { shapeAt } from './sources.js';

/**
 * The level whose pixels are about as large as those of the screen.
 * @param {number} scale screen pixels per pixel of the frame
 * @param {string} pool with max, no pixel may fall between two of the screen: the coarser level is taken
 */
export function levelFor(scale, pool, levels) {
  const steps = Math.log2(1 / scale) + (pool === 'max' ? 0.999 : 0.4);
  return Math.max(0, Math.min(levels - 1, Math.floor(steps)));
}

/** The part of a level that a view shows: half-open pixel ranges of the level. */
export function visiblePart(shape, level, { cx, cy, scale, width, height }) {
  const size = 2 ** level;
  const [rows, columns] = shapeAt(shape, level);
  const clamp = (value, most) => Math.max(0, Math.min(most, value));
  return {
    x0: clamp(Math.floor((cx - width / 2 / scale) / size), columns), x1: clamp(Math.ceil((cx + width / 2 / scale) / size), columns),
    y0: clamp(Math.floor((cy - height / 2 / scale) / size), rows), y1: clamp(Math.ceil((cy + height / 2 / scale) / size), rows),
  };
}

/** Rows and columns of the tiles that a part needs, from its middle outward. */
export function tilesOf(part, tile) {
  const found = [];
  for (let row = Math.floor(part.y0 / tile); row * tile < part.y1; row += 1) {
    for (let column = Math.floor(part.x0 / tile); column * tile < part.x1; column += 1) found.push([row, column]);
  }
  const [y, x] = [(part.y0 + part.y1) / 2 / tile - 0.5, (part.x0 + part.x1) / 2 / tile - 0.5];
  return found.sort((a, b) => Math.hypot(a[0] - y, a[1] - x) - Math.hypot(b[0] - y, b[1] - x));
}

/**
 * Fill a picture of a part of a level.
 * @param {Uint32Array} out one word a pixel, first row on top
 * @param {Object} part from `visiblePart`
 * @param {Object} source of tiles
 * @param {{colors: Uint32Array, lo: number, scale: number, whole: boolean}} table
 * @param {{source: Object, table: Uint32Array}|null} masks flags and their colors
 * @param {number} background where no tile is at hand
 * @returns {boolean} whether all tiles were there
 */
export function fill(out, part, level, source, table, masks, background) {
  const width = part.x1 - part.x0;
  let complete = true;
  for (const [row, column] of tilesOf(part, source.tile)) {
    const span = {
      x0: Math.max(part.x0, column * source.tile), x1: Math.min(part.x1, (column + 1) * source.tile),
      y0: Math.max(part.y0, row * source.tile), y1: Math.min(part.y1, (row + 1) * source.tile),
    };
    const tile = source.at(level, row, column);
    if (tile) {
      paintTile(out, part, width, span, tile, row * source.tile, column * source.tile, table);
      const flags = masks?.source.at(level, row, column);
      if (flags) paintMask(out, part, width, span, flags, row * source.tile, column * source.tile, masks.table);
      if (masks && !flags) complete = false;
    } else {
      complete = false;
      if (!paintCoarser(out, part, width, span, level, source, table)) paintPlain(out, part, width, span, background);
    }
  }
  return complete;
}

function paintTile(out, part, width, span, tile, top, left, table) {
  const { data, columns } = tile;
  const { colors, lo, scale } = table;
  const last = colors.length - 1;
  const count = span.x1 - span.x0;
  for (let y = span.y0; y < span.y1; y += 1) {
    let to = (part.y1 - 1 - y) * width + span.x0 - part.x0;
    let from = (y - top) * columns + span.x0 - left;
    const end = from + count;
    if (table.whole) {
      for (; from < end; from += 1, to += 1) out[to] = colors[data[from]];
    } else {
      for (; from < end; from += 1, to += 1) {
        const step = (data[from] - lo) * scale + 0.5;
        out[to] = step >= last ? (step === Infinity ? NOTHING : colors[last]) : step > 0 ? colors[step | 0] : step <= 0 && step !== -Infinity ? colors[0] : NOTHING;
      }
    }
  }
}

function paintMask(out, part, width, span, tile, top, left, table) {
  const { data, columns } = tile;
  for (let y = span.y0; y < span.y1; y += 1) {
    let to = (part.y1 - 1 - y) * width + span.x0 - part.x0;
    let from = (y - top) * columns + span.x0 - left;
    for (let x = span.x0; x < span.x1; x += 1, from += 1, to += 1) {
      if (data[from] === 0) continue;
      const over = table[data[from]];
      const alpha = over >>> 24;
      if (alpha === 0) continue;
      const under = out[to];
      const mix = (shift) => ((((under >>> shift) & 255) * (255 - alpha) + ((over >>> shift) & 255) * alpha) / 255) & 255;
      out[to] = ((255 << 24) | (mix(16) << 16) | (mix(8) << 8) | mix(0)) >>> 0;
    }
  }
}

/** Until a tile is there, a coarser one stands in for it. */
function paintCoarser(out, part, width, span, level, source, table) {
  for (let up = 1; level + up < source.levels; up += 1) {
    const size = source.tile << up;
    const tile = source.at(level + up, Math.floor(span.y0 / size), Math.floor(span.x0 / size));
    if (!tile) continue;
    const [top, left] = [Math.floor(span.y0 / size) * source.tile, Math.floor(span.x0 / size) * source.tile];
    const last = table.colors.length - 1;
    for (let y = span.y0; y < span.y1; y += 1) {
      let to = (part.y1 - 1 - y) * width + span.x0 - part.x0;
      const from = ((y >> up) - top) * tile.columns - left;
      for (let x = span.x0; x < span.x1; x += 1, to += 1) {
        const value = tile.data[from + (x >> up)];
        const step = table.whole ? value : (value - table.lo) * table.scale + 0.5;
        out[to] = step >= 0 || step < 0 ? table.colors[step <= 0 ? 0 : step >= last ? last : step | 0] : NOTHING;
      }
    }
    return true;
  }
  return false;
}

function paintPlain(out, part, width, span, background) {
  for (let y = span.y0; y < span.y1; y += 1) {
    const start = (part.y1 - 1 - y) * width - part.x0;
    out.fill(background, start + span.x0, start + span.x1);
  }
}

let lastMask = { key: '', table: null };

/**
 * Colors of flag values: that of the lowest plane shown which is set, with its opacity.
 * @param {number} planes bits that are shown
 * @param {Object<string, string>} colors by bit
 */
export function maskTable(planes, colors, opacity) {
  const key = JSON.stringify([planes, colors, opacity]);
  if (lastMask.key === key) return lastMask.table;
  const words = Array.from({ length: 16 }, (_, bit) => {
    const [red, green, blue] = rgb(colors[bit] ?? '#ff0000');
    return ((Math.round(opacity * 255) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
  const table = new Uint32Array(65536);
  for (let value = 1; value < 65536; value += 1) {
    const shown = value & planes;
    if (shown) table[value] = words[31 - Math.clz32(shown & -shown)];
  }
  lastMask = { key, table };
  return table;
}
