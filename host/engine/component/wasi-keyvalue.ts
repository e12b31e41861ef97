// wasi:keyvalue, drafts 1 and 2, mapped onto the plugin's own storage: its one store is named "" or "default". What the drafts differ in is the cursor,
// which is a number in the first, and a text in the second.

import { HostError, toHostError } from "../../core/errors.ts";
import type { Bytes } from "../../core/types.ts";
import type { CellStorage } from "../guest/cell-functions.ts";
import type { ComponentHost, Interfaces } from "./component-host.ts";
import { err, ok, Resource, type WitResultValue } from "./resources.ts";

const STORES: ReadonlySet<string> = new Set(["", "default"]);
const PAGE = 1_000;
const MAX_CURSORS = 64;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

export function wasiKeyvalue(host: ComponentHost, hasNumericCursor: boolean): Interfaces {
  const storage: CellStorage = host.environment.scope.storage;

  class Bucket extends Resource {
    /** Where the pages of draft 1 go on; the oldest is forgotten. */
    readonly #cursors = new Map<bigint, string>();
    #pages = 0n;

    constructor() {
      super(host.ledger);
    }

    get(key: string): WitResultValue {
      return answered(() => storage.get(key));
    }

    set(key: string, value: Bytes): WitResultValue {
      return answered(() => storage.set(key, value));
    }

    delete(key: string): WitResultValue {
      return answered(() => void storage.delete(key));
    }

    exists(key: string): WitResultValue {
      return answered(() => storage.get(key) !== undefined);
    }

    listKeys(cursor: bigint | string | undefined): WitResultValue {
      return answered(() => {
        const after = typeof cursor === "bigint" ? this.#cursors.get(cursor) : cursor;
        if (cursor !== undefined && after === undefined) throw new HostError("invalid-message", "the cursor is none that list-keys gave");
        const keys = storage.keys({ prefix: "", after, limit: PAGE });
        const last = keys.length < PAGE ? undefined : keys.at(-1);
        return { keys, cursor: last === undefined ? undefined : hasNumericCursor ? this.#cursorAt(last) : last };
      });
    }

    #cursorAt(key: string): bigint {
      this.#pages += 1n;
      this.#cursors.set(this.#pages, key);
      this.#cursors.delete(this.#pages - BigInt(MAX_CURSORS));
      Resource.holds(
        this,
        [...this.#cursors.values()].reduce((sum, { length }) => sum + length, 0),
      );
      return this.#pages;
    }
  }

  class Cas extends Resource {
    readonly #key: string;
    readonly #seen: Bytes | undefined;

    constructor(key: string) {
      const seen = storage.get(key);
      super(host.ledger);
      this.#key = key;
      this.#seen = seen;
      Resource.holds(this, key.length + (seen?.length ?? 0));
    }

    static new(_bucket: Bucket, key: string): WitResultValue {
      return answered(() => new Cas(key));
    }

    current(): WitResultValue {
      return ok(this.#seen);
    }

    static swap(cas: Cas, value: Bytes): WitResultValue {
      cas[Symbol.dispose]();
      const unchanged = answered(() => same(storage.get(cas.#key), cas.#seen));
      if (unchanged.tag === "err") return err({ tag: "store-error", val: unchanged.val });
      if (unchanged.val !== true) return err({ tag: "cas-failed", val: new Cas(cas.#key) });
      const set = answered(() => storage.set(cas.#key, value));
      return set.tag === "err" ? err({ tag: "store-error", val: set.val }) : set;
    }
  }

  function answered(work: () => unknown): WitResultValue {
    host.count();
    try {
      return ok(work());
    } catch (thrown) {
      if (host.control.doomed) throw thrown;
      const error = toHostError(thrown);
      if (error.code === "internal") host.environment.scope.reportFault(error);
      return err({ tag: "other", val: `${error.code}: ${error.message}` });
    }
  }

  return {
    "wasi:keyvalue/store": {
      Bucket,
      open: (name: string) => {
        host.count();
        return STORES.has(name) ? ok(new Bucket()) : err({ tag: "no-such-store" });
      },
    },
    "wasi:keyvalue/batch": {
      getMany: (_bucket: Bucket, keys: readonly string[]) =>
        answered(() => storage.getMany(keys).map((value, i) => (value === undefined ? undefined : [keys[i], value]))),
      setMany: (_bucket: Bucket, pairs: readonly (readonly [string, Bytes])[]) =>
        answered(() => storage.apply(pairs.map(([key, value]) => ({ key, value, ttlMs: undefined })))),
      deleteMany: (_bucket: Bucket, keys: readonly string[]) =>
        answered(() => storage.apply(keys.map((key) => ({ key, value: undefined, ttlMs: undefined })))),
    },
    "wasi:keyvalue/atomics": {
      Cas,
      swap: (cas: Cas, value: Bytes) => Cas.swap(cas, value),
      increment: (_bucket: Bucket, key: string, delta: bigint) =>
        answered(() => {
          const sum = numberIn(storage.get(key), key) + delta;
          if (BigInt.asIntN(64, sum) !== sum) throw new HostError("invalid-message", `${key} would be beyond 64 bits`);
          storage.set(key, encoder.encode(String(sum)));
          return sum;
        }),
    },
  };
}

/** A counter is decimal text; an absent one is 0. */
function numberIn(value: Bytes | undefined, key: string): bigint {
  const text = value === undefined ? "0" : decoder.decode(value);
  if (!/^-?\d{1,19}$/.test(text)) throw new HostError("invalid-message", `the value of ${key} is no number in decimal text`);
  return BigInt(text);
}

const same = (a: Bytes | undefined, b: Bytes | undefined): boolean =>
  a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0;
