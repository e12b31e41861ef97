// The types of the drafts wasi:keyvalue, wasi:config and wasi:logging, by what toolchains and hosts use of them.

import { type Interfaces, interfaces } from "./notation.ts";

const KEYVALUE = { error: "variant{no-such-store,access-denied,other(string)}" };

const keyvalue = (cursor: string, atomics: Readonly<Record<string, string>>, resources: readonly string[]): Interfaces =>
  interfaces(
    { ...KEYVALUE, cursor },
    {
      "wasi:keyvalue/store": {
        resources: ["bucket"],
        functions: {
          open: "(string) -> result<own<bucket>,$error>",
          "[method]bucket.get": "(borrow<bucket>,string) -> result<option<list<u8>>,$error>",
          "[method]bucket.set": "(borrow<bucket>,string,list<u8>) -> result<_,$error>",
          "[method]bucket.delete": "(borrow<bucket>,string) -> result<_,$error>",
          "[method]bucket.exists": "(borrow<bucket>,string) -> result<bool,$error>",
          "[method]bucket.list-keys": "(borrow<bucket>,option<$cursor>) -> result<record{keys:list<string>,cursor:option<$cursor>},$error>",
        },
      },
      "wasi:keyvalue/batch": {
        functions: {
          "get-many": "(borrow<bucket>,list<string>) -> result<list<option<tuple<string,list<u8>>>>,$error>",
          "set-many": "(borrow<bucket>,list<tuple<string,list<u8>>>) -> result<_,$error>",
          "delete-many": "(borrow<bucket>,list<string>) -> result<_,$error>",
        },
      },
      "wasi:keyvalue/atomics": { resources, functions: atomics },
    },
  );

export const KEYVALUE_DRAFT: Interfaces = keyvalue("u64", { increment: "(borrow<bucket>,string,u64) -> result<u64,$error>" }, []);

export const KEYVALUE_DRAFT_2: Interfaces = keyvalue(
  "string",
  {
    increment: "(borrow<bucket>,string,s64) -> result<s64,$error>",
    "[static]cas.new": "(borrow<bucket>,string) -> result<own<cas>,$error>",
    "[method]cas.current": "(borrow<cas>) -> result<option<list<u8>>,$error>",
    swap: "(own<cas>,list<u8>) -> result<_,variant{store-error($error),cas-failed(own<cas>)}>",
  },
  ["cas"],
);

const CONFIG = {
  functions: {
    get: "(string) -> result<option<string>,$error>",
    "get-all": "() -> result<list<tuple<string,string>>,$error>",
  },
};

/** The draft called it runtime first. */
export const CONFIG_AND_LOGGING: Interfaces = interfaces(
  { error: "variant{upstream(string),io(string)}" },
  {
    "wasi:config/store": CONFIG,
    "wasi:config/runtime": CONFIG,
    "wasi:logging/logging": { functions: { log: "(enum{trace,debug,info,warn,error,critical},string,string)" } },
  },
);
