// The interfaces that a component may import, with the versions the host has of each. What is not here is refused by name.

import { SHAPES } from "../guest/wit-shapes.ts";
import { PACKAGE } from "./bulkhead.ts";

const OURS = /^0\.1\.0$/;
/** Releases of 0.2 only add to it, and a component imports no more than it calls. */
const WASI = /^0\.2\.\d+$/;

const STANDARD: Readonly<Record<string, readonly string[]>> = {
  "wasi:cli": [
    ...["environment", "exit", "stdin", "stdout", "stderr"],
    ...["terminal-input", "terminal-output", "terminal-stdin", "terminal-stdout", "terminal-stderr"],
  ],
  "wasi:io": ["error", "poll", "streams"],
  "wasi:clocks": ["monotonic-clock", "wall-clock"],
  "wasi:random": ["random", "insecure", "insecure-seed"],
  "wasi:filesystem": ["preopens", "types"],
  "wasi:http": ["types", "outgoing-handler"],
  "wasi:sockets": ["network", "instance-network", "ip-name-lookup", "tcp", "tcp-create-socket", "udp", "udp-create-socket"],
};

/** Drafts that have no release, by what toolchains and hosts use of them. */
const DRAFTS: ReadonlyMap<string, RegExp> = new Map([
  ...["store", "atomics", "batch"].map((face) => [`wasi:keyvalue/${face}`, /^0\.2\.0-draft2?$/] as const),
  ["wasi:config/store", /^0\.2\.0-(?:draft|rc\.1)$/],
  ["wasi:config/runtime", /^0\.2\.0-draft$/],
  // 0.1.0 is without a version in the interface's own package.
  ["wasi:logging/logging", /^(?:0\.1\.0-draft)?$/],
]);

const ours = [...new Set(Object.keys(SHAPES).map((name) => name.split(".")[0])), "types"];

export const SUPPORTED_INTERFACES: ReadonlyMap<string, RegExp> = new Map([
  ...ours.map((face) => [`${PACKAGE}/${face}`, OURS] as const),
  ...Object.entries(STANDARD).flatMap(([from, faces]) => faces.map((face) => [`${from}/${face}`, WASI] as const)),
  ...DRAFTS,
]);
