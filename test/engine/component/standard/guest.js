// A component for any host that has the standard interfaces: it knows nothing of Bulkhead.

import { now as monotonic, subscribeDuration } from "wasi:clocks/monotonic-clock@0.2.0";
import { now as wall } from "wasi:clocks/wall-clock@0.2.0";
import { getAll, get as setting } from "wasi:config/store@0.2.0-draft";
import { increment } from "wasi:keyvalue/atomics@0.2.0-draft";
import { deleteMany, getMany, setMany } from "wasi:keyvalue/batch@0.2.0-draft";
import { open } from "wasi:keyvalue/store@0.2.0-draft";
import { log } from "wasi:logging/logging@0.1.0-draft";
import { getRandomBytes } from "wasi:random/random@0.2.0";

const bytes = (text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const text = (list) => String.fromCharCode(...list);

const does = {
  keyvalue() {
    const bucket = open("default");
    bucket.set("a", bytes("1"));
    setMany(bucket, [
      ["b", bytes("2")],
      ["c", bytes("3")],
    ]);
    bucket.delete("c");
    const many = getMany(bucket, ["a", "c", "b"]).map((found) => (found ? text(found[1]) : null));
    const counts = [increment(bucket, "n", 5), increment(bucket, "n", 2)].map(String);
    const { keys, cursor } = bucket.listKeys(undefined);
    deleteMany(bucket, ["a", "b"]);
    return { many, counts, keys, cursor: cursor ?? null, left: [bucket.exists("a"), bucket.exists("n")] };
  },
  noStore() {
    try {
      open("other");
    } catch (error) {
      return error.payload?.tag ?? error.tag ?? String(error);
    }
  },
  config: () => [setting("unit"), setting("nothing") ?? null, getAll()],
  logging() {
    for (const level of ["trace", "info", "warn", "critical"]) log(level, "here", `a ${level} line`);
    return null;
  },
  clocks() {
    const before = monotonic();
    subscribeDuration(20_000_000).block();
    return [wall().seconds > 1_600_000_000, monotonic() - before >= 20_000_000];
  },
  random() {
    const [one, other] = [getRandomBytes(16), getRandomBytes(16)];
    return [one.length, text(one) === text(other)];
  },
};

export function run(what) {
  return JSON.stringify(does[what](), (_key, value) => (typeof value === "bigint" ? String(value) : value));
}
