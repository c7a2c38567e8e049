/** Which frames the night table shows, and in what order. */

/** Columns of the night table: name, title, value, and how it is written. */
export const COLUMNS = [
  { name: 'name', title: 'Name', value: (f) => f.name },
  { name: 'type', title: 'Type', value: (f) => f.type },
  { name: 'filter', title: 'Filter', value: (f) => f.filter },
  { name: 'exposure', title: 'Exposure', unit: 's', value: (f) => f.exposure_time, number: true },
  { name: 'temperature', title: 'Temp.', unit: '°C', value: (f) => f.temperature, number: true },
  { name: 'date', title: 'Date', value: (f) => f.date, wide: true },
  { name: 'kind', title: 'Kind', value: (f) => f.kind, wide: true },
  { name: 'shape', title: 'Size', value: (f) => (f.shape ? f.shape[0] * f.shape[1] : null), number: true, wide: true },
  { name: 'bytes', title: 'File', value: (f) => f.bytes, number: true, wide: true },
];

/** The choices above the table: name of the state's entry, label, value of a frame as text. */
export const FACETS = [
  ['kind', 'Kind', (f) => f.kind ?? ''],
  ['type', 'Type', (f) => f.type ?? ''],
  ['filter', 'Filter', (f) => f.filter ?? ''],
  ['exposure', 'Exposure', (f) => (f.exposure_time === null ? '' : `${rounded(f.exposure_time)} s`)],
  ['temperature', 'Temperature', (f) => (f.temperature === null ? '' : `${Math.round(f.temperature)} °C`)],
  ['folder', 'Folder', (f) => folderOf(f)],
];

/** Root and folder of a frame, as one text. */
export const folderOf = (f) => [f.root, f.folder].filter((part) => part && part !== '.').join('/');

const rounded = (value) => String(Number(value.toPrecision(5)));

/** The frames that pass all filters of the state, in its order. */
export function chosen(frames, now) {
  const terms = now.q.toLowerCase().split(/\s+/).filter(Boolean);
  const passing = frames.filter((f) => FACETS.every(([name, , value]) => !now[name] || value(f) === now[name])
    && (!now.problems || f.problem) && terms.every((term) => textOf(f).includes(term)));
  return now.sort ? sorted(passing, now.sort) : passing;
}

/** Frames by one column; `-name` is downward. Frames without a value come last either way. */
export function sorted(frames, sort) {
  const down = sort.startsWith('-');
  const column = COLUMNS.find((entry) => entry.name === sort.replace(/^-/, ''));
  if (!column) return frames;
  const sign = down ? -1 : 1;
  const order = new Intl.Collator(undefined, { numeric: true });
  return [...frames].sort((one, two) => {
    const [a, b] = [column.value(one), column.value(two)];
    if (a === null || a === undefined || b === null || b === undefined) return (a ?? null) === (b ?? null) ? 0 : (a ?? null) === null ? 1 : -1;
    return sign * (column.number ? a - b : order.compare(a, b));
  });
}

/**
 * Frames in groups of one kind, type, filter, exposure time and temperature.
 * @returns {Array<{title: string, count: number, problems: number, values: Object<string, string>}>}
 */
export function groups(frames) {
  const found = new Map();
  for (const f of frames) {
    const values = Object.fromEntries(FACETS.slice(0, 5).map(([name, , value]) => [name, value(f)]));
    const key = JSON.stringify(values);
    const group = found.get(key) ?? {
      title: [values.type || 'other', values.filter, values.exposure, values.temperature, values.kind === 'raw' ? '' : values.kind].filter(Boolean).join(' · '),
      count: 0, problems: 0, values,
    };
    group.count += 1;
    group.problems += f.problem ? 1 : 0;
    found.set(key, group);
  }
  const order = new Intl.Collator(undefined, { numeric: true });
  return [...found.values()].sort((one, two) => order.compare(one.title, two.title));
}

/**
 * What to append to the names of frames that share one: the kind where that tells them apart, else the folder, else both.
 * @returns {Map<string, string>} by id; frames whose name is their own are not in it
 */
export function suffixesOf(frames) {
  const sharing = new Map();
  for (const f of frames) sharing.set(f.name, [...(sharing.get(f.name) ?? []), f]);
  const ways = [(f) => f.kind, folderOf, (f) => f.extension, (f) => [f.kind, folderOf(f), f.extension].filter(Boolean).join(', ')];
  const found = new Map();
  for (const members of sharing.values()) {
    if (members.length < 2) continue;
    const way = ways.find((each) => new Set(members.map((f) => each(f) || '')).size === members.length) ?? ways.at(-1);
    for (const f of members) if (way(f)) found.set(f.id, ` (${way(f)})`);
  }
  return found;
}

/** Values of one facet that occur, in order, with counts. */
export function facetValues(frames, value) {
  const counts = new Map();
  for (const f of frames) {
    const text = value(f);
    if (text) counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const order = new Intl.Collator(undefined, { numeric: true });
  return [...counts].sort((one, two) => order.compare(one[0], two[0]));
}

const textOf = (f) => [f.name, folderOf(f), f.type, f.filter, f.kind, f.date, f.problem].filter(Boolean).join(' ').toLowerCase();
