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
  "wasi:sockets": ["network", "instance-network", "ip-name-lookup", "tcp", "tcp-create-socket", "udp", "udp-create-socket"],
};

const ours = [...new Set(Object.keys(SHAPES).map((name) => name.split(".")[0])), "types"];

export const SUPPORTED_INTERFACES: ReadonlyMap<string, RegExp> = new Map([
  ...ours.map((face) => [`${PACKAGE}/${face}`, OURS] as const),
  ...Object.entries(STANDARD).flatMap(([from, faces]) => faces.map((face) => [`${from}/${face}`, WASI] as const)),
]);
