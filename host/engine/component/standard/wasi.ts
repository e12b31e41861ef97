// The types of wasi:cli, wasi:clocks, wasi:io and wasi:random, as the WIT packages of 0.2 have them. Releases of 0.2 add functions and change none.

import { type Interfaces, interfaces } from "./notation.ts";

export const WASI_0_2: Interfaces = interfaces(
  {
    "stream-error": "variant{last-operation-failed(own<error>),closed}",
    datetime: "record{seconds:u64,nanoseconds:u32}",
  },
  {
    "wasi:cli/environment": {
      functions: {
        "get-environment": "() -> list<tuple<string,string>>",
        "get-arguments": "() -> list<string>",
        "initial-cwd": "() -> option<string>",
      },
    },
    "wasi:cli/exit": {
      functions: {
        exit: "(result<_,_>)",
        "exit-with-code": "(u8)",
      },
    },
    "wasi:io/error": {
      resources: ["error"],
      functions: {
        "[method]error.to-debug-string": "(borrow<error>) -> string",
      },
    },
    "wasi:io/poll": {
      resources: ["pollable"],
      functions: {
        "[method]pollable.ready": "(borrow<pollable>) -> bool",
        "[method]pollable.block": "(borrow<pollable>)",
        poll: "(list<borrow<pollable>>) -> list<u32>",
      },
    },
    "wasi:io/streams": {
      resources: ["input-stream", "output-stream"],
      functions: {
        "[method]input-stream.read": "(borrow<input-stream>,u64) -> result<list<u8>,$stream-error>",
        "[method]input-stream.blocking-read": "(borrow<input-stream>,u64) -> result<list<u8>,$stream-error>",
        "[method]input-stream.skip": "(borrow<input-stream>,u64) -> result<u64,$stream-error>",
        "[method]input-stream.blocking-skip": "(borrow<input-stream>,u64) -> result<u64,$stream-error>",
        "[method]input-stream.subscribe": "(borrow<input-stream>) -> own<pollable>",
        "[method]output-stream.check-write": "(borrow<output-stream>) -> result<u64,$stream-error>",
        "[method]output-stream.write": "(borrow<output-stream>,list<u8>) -> result<_,$stream-error>",
        "[method]output-stream.blocking-write-and-flush": "(borrow<output-stream>,list<u8>) -> result<_,$stream-error>",
        "[method]output-stream.flush": "(borrow<output-stream>) -> result<_,$stream-error>",
        "[method]output-stream.blocking-flush": "(borrow<output-stream>) -> result<_,$stream-error>",
        "[method]output-stream.subscribe": "(borrow<output-stream>) -> own<pollable>",
        "[method]output-stream.write-zeroes": "(borrow<output-stream>,u64) -> result<_,$stream-error>",
        "[method]output-stream.blocking-write-zeroes-and-flush": "(borrow<output-stream>,u64) -> result<_,$stream-error>",
        "[method]output-stream.splice": "(borrow<output-stream>,borrow<input-stream>,u64) -> result<u64,$stream-error>",
        "[method]output-stream.blocking-splice": "(borrow<output-stream>,borrow<input-stream>,u64) -> result<u64,$stream-error>",
      },
    },
    "wasi:cli/stdin": {
      functions: {
        "get-stdin": "() -> own<input-stream>",
      },
    },
    "wasi:cli/stdout": {
      functions: {
        "get-stdout": "() -> own<output-stream>",
      },
    },
    "wasi:cli/stderr": {
      functions: {
        "get-stderr": "() -> own<output-stream>",
      },
    },
    "wasi:cli/terminal-input": {
      resources: ["terminal-input"],
      functions: {},
    },
    "wasi:cli/terminal-output": {
      resources: ["terminal-output"],
      functions: {},
    },
    "wasi:cli/terminal-stdin": {
      functions: {
        "get-terminal-stdin": "() -> option<own<terminal-input>>",
      },
    },
    "wasi:cli/terminal-stdout": {
      functions: {
        "get-terminal-stdout": "() -> option<own<terminal-output>>",
      },
    },
    "wasi:cli/terminal-stderr": {
      functions: {
        "get-terminal-stderr": "() -> option<own<terminal-output>>",
      },
    },
    "wasi:clocks/monotonic-clock": {
      functions: {
        now: "() -> u64",
        resolution: "() -> u64",
        "subscribe-instant": "(u64) -> own<pollable>",
        "subscribe-duration": "(u64) -> own<pollable>",
      },
    },
    "wasi:clocks/wall-clock": {
      functions: {
        now: "() -> $datetime",
        resolution: "() -> $datetime",
      },
    },
    "wasi:random/random": {
      functions: {
        "get-random-bytes": "(u64) -> list<u8>",
        "get-random-u64": "() -> u64",
      },
    },
    "wasi:random/insecure": {
      functions: {
        "get-insecure-random-bytes": "(u64) -> list<u8>",
        "get-insecure-random-u64": "() -> u64",
      },
    },
    "wasi:random/insecure-seed": {
      functions: {
        "insecure-seed": "() -> tuple<u64,u64>",
      },
    },
  },
);
