// wasi:keyvalue, drafts 1 and 2, mapped onto the plugin's own storage: its one store is named "" or "default". What the drafts differ in is the cursor,
// which is a number in the first, and a text in the second.

import { HostError, toHostError } from "../../core/errors.ts";
import type { Bytes } from "../../core/types.ts";
import type { StorageVersioned } from "../../core/wit.ts";
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
    readonly #seen: StorageVersioned | undefined;

    constructor(key: string) {
      const seen = storage.getVersioned(key);
      super(host.ledger);
      this.#key = key;
      this.#seen = seen;
      Resource.holds(this, key.length + (seen?.value.length ?? 0));
    }

    static new(_bucket: Bucket, key: string): WitResultValue {
      return answered(() => new Cas(key));
    }

    current(): WitResultValue {
      return ok(this.#seen?.value);
    }

    static swap(cas: Cas, value: Bytes): WitResultValue {
      cas[Symbol.dispose]();
      const swapped = answered(() => commitOver(cas.#key, cas.#seen, value));
      if (swapped.tag === "err") return err({ tag: "store-error", val: swapped.val });
      return swapped.val === true ? ok(undefined) : err({ tag: "cas-failed", val: new Cas(cas.#key) });
    }
  }

  /** Whether the value took the place of what was seen, and of nothing else. */
  function commitOver(key: string, seen: StorageVersioned | undefined, value: Bytes): boolean {
    return storage.commit([{ key, version: seen?.version ?? 0 }], [{ key, value, ttlMs: undefined }]).committed;
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
          const seen = storage.getVersioned(key);
          const sum = numberIn(seen?.value, key) + delta;
          if (BigInt.asIntN(64, sum) !== sum) throw new HostError("invalid-message", `${key} would be beyond 64 bits`);
          if (!commitOver(key, seen, encoder.encode(String(sum)))) throw new HostError("conflict", `${key} was changed meanwhile`);
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
