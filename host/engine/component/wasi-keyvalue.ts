// wasi:keyvalue, drafts 1 and 2, mapped onto the plugin's own storage: its one store is named "" or "default". What the drafts differ in is the cursor,
// which is a number in the first, and a text in the second.

import { HostError, toHostError } from "../../core/errors.ts";
import type { Bytes, MaybePromise } from "../../core/types.ts";
import type { StorageVersioned } from "../../core/wit.ts";
import type { ComponentHost, Interfaces } from "./component-host.ts";
import { type GuestStorage, storageOf } from "./guest-storage.ts";
import { err, ok, Resource, type WitResultValue } from "./resources.ts";

const STORES: ReadonlySet<string> = new Set(["", "default"]);
const PAGE = 1_000;
const MAX_CURSORS = 64;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** What is answered where the storage is, by the names that jco gives it. */
export const KEYVALUE_FUNCTIONS: readonly string[] = [
  ...["get", "set", "delete", "exists", "list-keys"].map((name) => `wasi:keyvalue/store#[method]bucket.${name}`),
  ...["get-many", "set-many", "delete-many"].map((name) => `wasi:keyvalue/batch#${name}`),
  ...["increment", "swap", "[static]cas.new"].map((name) => `wasi:keyvalue/atomics#${name}`),
];

export function wasiKeyvalue(host: ComponentHost, hasNumericCursor: boolean): Interfaces {
  const storage: GuestStorage = storageOf(host);

  class Bucket extends Resource {
    /** Where the pages of draft 1 go on; the oldest is forgotten. */
    readonly #cursors = new Map<bigint, string>();
    #pages = 0n;

    constructor() {
      super(host.ledger);
    }

    get(key: string): MaybePromise<WitResultValue> {
      return answered(() => storage.get(key));
    }

    set(key: string, value: Bytes): MaybePromise<WitResultValue> {
      return answered(() => storage.set(key, value));
    }

    delete(key: string): MaybePromise<WitResultValue> {
      return answered(() => mapped(storage.delete(key), () => undefined));
    }

    exists(key: string): MaybePromise<WitResultValue> {
      return answered(() => mapped(storage.get(key), (value) => value !== undefined));
    }

    listKeys(cursor: bigint | string | undefined): MaybePromise<WitResultValue> {
      return answered(() => {
        const after = typeof cursor === "bigint" ? this.#cursors.get(cursor) : cursor;
        if (cursor !== undefined && after === undefined) throw new HostError("invalid-message", "the cursor is none that list-keys gave");
        return mapped(storage.keys({ prefix: "", after, limit: PAGE }), (keys) => {
          const last = keys.length < PAGE ? undefined : keys.at(-1);
          return { keys, cursor: last === undefined ? undefined : hasNumericCursor ? this.#cursorAt(last) : last };
        });
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

    constructor(key: string, seen: StorageVersioned | undefined) {
      super(host.ledger);
      this.#key = key;
      this.#seen = seen;
      Resource.holds(this, key.length + (seen?.value.length ?? 0));
    }

    static new(_bucket: Bucket, key: string): MaybePromise<WitResultValue> {
      return answered(() => read(key));
    }

    current(): WitResultValue {
      return ok(this.#seen?.value);
    }

    static swap(cas: Cas, value: Bytes): MaybePromise<WitResultValue> {
      cas[Symbol.dispose]();
      const swapped = answered(() => commitOver(cas.#key, cas.#seen, value));
      return mapped(swapped, (result) => {
        if (result.tag === "err") return err({ tag: "store-error", val: result.val });
        if (result.val === true) return ok(undefined);
        return mapped(read(cas.#key), (fresh) => err({ tag: "cas-failed", val: fresh }));
      });
    }
  }

  const read = (key: string): MaybePromise<Cas> => mapped(storage.getVersioned(key), (seen) => new Cas(key, seen));

  /** Whether the value took the place of what was seen, and of nothing else. */
  function commitOver(key: string, seen: StorageVersioned | undefined, value: Bytes): MaybePromise<boolean> {
    const checks = [{ key, version: seen?.version ?? 0 }];
    return mapped(storage.commit(checks, [{ key, value, ttlMs: undefined }]), ({ committed }) => committed);
  }

  function answered(work: () => unknown): MaybePromise<WitResultValue> {
    storage.count();
    try {
      const done = work();
      return done instanceof Promise ? done.then(ok, refused) : ok(done);
    } catch (thrown) {
      return refused(thrown);
    }
  }

  function refused(thrown: unknown): WitResultValue {
    if (host.control.doomed) throw thrown;
    const error = toHostError(thrown);
    if (error.code === "internal") host.environment.scope.reportFault(error);
    return err({ tag: "other", val: `${error.code}: ${error.message}` });
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
        answered(() =>
          mapped(storage.getMany(keys), (values) => values.map((value, i) => (value === undefined ? undefined : [keys[i], value]))),
        ),
      setMany: (_bucket: Bucket, pairs: readonly (readonly [string, Bytes])[]) =>
        answered(() => storage.apply(pairs.map(([key, value]) => ({ key, value, ttlMs: undefined })))),
      deleteMany: (_bucket: Bucket, keys: readonly string[]) =>
        answered(() => storage.apply(keys.map((key) => ({ key, value: undefined, ttlMs: undefined })))),
    },
    "wasi:keyvalue/atomics": {
      Cas,
      swap: (cas: Cas, value: Bytes) => Cas.swap(cas, value),
      increment: (_bucket: Bucket, key: string, delta: bigint) =>
        answered(() =>
          mapped(storage.getVersioned(key), (seen) => {
            const sum = numberIn(seen?.value, key) + delta;
            if (BigInt.asIntN(64, sum) !== sum) throw new HostError("invalid-message", `${key} would be beyond 64 bits`);
            return mapped(commitOver(key, seen, encoder.encode(String(sum))), (committed) => {
              if (!committed) throw new HostError("conflict", `${key} was changed meanwhile`);
              return sum;
            });
          }),
        ),
    },
  };
}

/** A counter is decimal text; an absent one is 0. */
function numberIn(value: Bytes | undefined, key: string): bigint {
  const text = value === undefined ? "0" : decoder.decode(value);
  if (!/^-?\d{1,19}$/.test(text)) throw new HostError("invalid-message", `the value of ${key} is no number in decimal text`);
  return BigInt(text);
}

/** At once where the value is there at once. */
function mapped<T, U>(value: MaybePromise<T>, change: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return value instanceof Promise ? value.then(change) : change(value);
}
