// Components that admission must refuse by their binary, before any transpiler reads them. So they need not be whole.

import { type Bytes, component, leb, many, module, piece, section } from "./assemble.ts";
import type { Bomb } from "./bombs.ts";

const U64 = 0x77;
const STRING = 0x73;
const RESOURCE: Bytes = [0x3f, 0x7f, 0x00];
const own = (type: number): Bytes => [0x69, type];

/** As an import's or export's. */
const name = (text: string): Bytes => [0x00, ...plainName(text)];
const plainName = (text: string): Bytes => [...leb(text.length), ...new TextEncoder().encode(text)];

const types = (...all: readonly Bytes[]): ReturnType<typeof section> => section(7, piece().add([all.length], ...all));

/** A component that imports an interface with one function, which takes such a value and answers another. */
function importing(face: string, func: string, takes: number, answers: number): Uint8Array<ArrayBuffer> {
  const type: Bytes = [0x40, 1, ...plainName("value"), takes, 0x00, answers];
  const instance: Bytes = [0x42, 2, 0x01, ...type, 0x04, ...name(func), 0x01, 0];
  return component(types(instance), section(10, piece().add([1], name(face), [0x05, 0])));
}

/** An entry that fails with a handle to a thing of the guest's: whoever forgets the error runs the guest's destructor whenever JavaScript likes. */
const failingWithAHandle = (): Uint8Array<ArrayBuffer> =>
  component(
    types(RESOURCE, own(0), [0x6a, 0x01, STRING, 0x01, 1], [0x40, 0, 0x00, 2]),
    section(8, piece().add([1, 0x00, 0x00, 0, 0, 3])),
    section(11, piece().add([1], name("go"), [0x01, 0, 0x00])),
  );

/** Instances of instances, doubled with every level. */
function doubling(levels: number): Uint8Array<ArrayBuffer> {
  const first = component(section(1, piece().add([...module()])), many(2, 1, [0x00, 0, 0]));
  const twice = (level: number): Uint8Array<ArrayBuffer> => component(many(6, 1, [0x04, 0x02, 1, level]), many(5, 2, [0x00, 0, 0]));
  const all = [first, ...Array.from({ length: levels }, (_, level) => twice(level))];
  return component(...all.map((bytes) => section(4, piece().add([...bytes]))));
}

const canonical = (...code: Bytes): Uint8Array<ArrayBuffer> => component(section(8, piece().add([1], code)));

/** None of them may be admitted. */
export const COMPONENT_BOMBS: readonly Bomb[] = [
  {
    name: "component: a standard function that takes a text for a number",
    limit: "types of wasi:*",
    make: () => importing("wasi:random/random@0.2.0", "get-random-bytes", STRING, U64),
    expected: /its get-random-bytes is \(string\) -> u64, and the host's is \(u64\) -> list<u8>/,
  },
  {
    name: "component: a standard function named constructor",
    limit: "names of wasi:*",
    make: () => importing("wasi:http/types@0.2.0", "[static]fields.constructor", STRING, STRING),
    expected: /it has \[static\]fields\.constructor, which the host's has not/,
  },
  {
    name: "component: an error that is a handle",
    limit: "types of entries",
    make: failingWithAHandle,
    expected: /an entry's error can only be a string/,
  },
  { name: "component: back-pressure", limit: "allow-list", make: () => canonical(0x24), expected: /canonical function 0x24/ },
  { name: "component: a set of things to wait for", limit: "allow-list", make: () => canonical(0x1f), expected: /canonical function 0x1f/ },
  { name: "component: a stream", limit: "allow-list", make: () => component(types([0x66, 0x01, U64])), expected: /unknown type 0x66/ },
  {
    name: "component: 9,000 instances of a core module",
    limit: "64 instances",
    make: () => component(section(1, piece().add([...module()])), many(2, 9_000, [0x00, 0, 0])),
    expected: /more than 64 times/,
  },
  { name: "component: instances doubled 30 times", limit: "64 instances", make: () => doubling(30), expected: /more than 64 times/ },
  {
    name: "component: a type doubled 30 times",
    limit: "size of types",
    make: () => component(types([0x6f, 2, U64, U64], ...Array.from({ length: 30 }, (_, level) => [0x6f, 2, level, level]))),
    expected: /the limit is 16384 characters/,
  },
  {
    name: "component: sections that end beyond it",
    limit: "parser",
    make: () => component(piece().add([7], leb(1_000_000), [1])),
    expected: /cannot be read|exceeds the bytes/,
  },
];
