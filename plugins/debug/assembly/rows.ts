// What was seen, by kind, plugin and name: so many rows, and what is beyond them counted together. An instance that is rebuilt begins anew.

const MAX_ROWS = 2_000;

@json
export class Row {
  constructor(
    readonly kind: string = "",
    readonly plugin: string = "",
    readonly name: string = "",
    public count: i32 = 0,
    public failed: i32 = 0,
    public ms: f64 = 0,
    public cpuMs: f64 = 0,
  ) {}
}

const rows = new Map<string, Row>();
let otherCount: i32 = 0;
let missedCount: i32 = 0;

export function add(kind: string, plugin: string, name: string, code: string, count: i32, ms: f64, cpuMs: f64): void {
  const key = `${kind} ${plugin} ${name}`;
  if (!rows.has(key)) {
    if (rows.size >= MAX_ROWS) {
      otherCount += count;
      return;
    }
    rows.set(key, new Row(kind, plugin, name));
  }
  const row = rows.get(key);
  row.count += count;
  if (code != "ok") row.failed += count;
  row.ms += ms;
  row.cpuMs += cpuMs;
}

/** Of one plugin, or of all where it is empty. */
export function mostFrequent(plugin: string, limit: i32): Row[] {
  const all = rows.values();
  const found: Row[] = [];
  for (let i = 0; i < all.length; i++) if (plugin.length == 0 || all[i].plugin == plugin) found.push(all[i]);
  found.sort((one, other) => other.count - one.count);
  return found.slice(0, limit);
}

export function countOthers(count: i32): void {
  otherCount += count;
}

export function countMissed(count: i32): void {
  missedCount += count;
}

export function others(): i32 {
  return otherCount;
}

export function missed(): i32 {
  return missedCount;
}
