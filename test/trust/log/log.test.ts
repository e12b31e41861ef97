// A log in a folder grows, is read from wherever it lies, and is caught when it is not what it was: each lie has its own name.

import { generateKeyPairSync } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openHostDatabase } from "../../../host/admin/database.ts";
import { LogCheckpoints } from "../../../host/admin/log-checkpoints.ts";
import { documentsBelow } from "../../../host/install/documents.ts";
import { type Appended, appendToLog } from "../../../host/trust/log/append.ts";
import { signCheckpoint } from "../../../host/trust/log/checkpoint.ts";
import { decodeEntry, encodeEntry } from "../../../host/trust/log/entry.ts";
import { LogCheck } from "../../../host/trust/log/log-check.ts";
import { leafHash } from "../../../host/trust/log/merkle.ts";
import type { LogReader } from "../../../host/trust/log/reader.ts";
import type { NoteSigner } from "../../../host/trust/log/signed-note.ts";
import { encodeBundle } from "../../../host/trust/log/tiles.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { entriesFrom, logEntry, logReader, readerOf, signerNamed } from "../../support/logs.ts";
import { type TemporaryFolder, temporaryFolder } from "../../support/plugin-folders.ts";

let folder: TemporaryFolder;
let place: string;
let signer: NoteSigner;

beforeEach(() => {
  folder = temporaryFolder();
  place = join(folder.path, "log");
  signer = signerNamed("log.example/plugins");
});
afterEach(() => folder.remove());

const append = (first: number, count: number): Promise<Appended> => appendToLog(place, entriesFrom(first, count), signer);
const copyTo = (name: string): string => {
  cpSync(place, join(folder.path, name), { recursive: true });
  return join(folder.path, name);
};
const filesIn = (path: string): Map<string, string> =>
  new Map(
    readdirSync(path, { recursive: true, encoding: "utf8" })
      .filter((file) => statSync(join(path, file)).isFile())
      .map((file) => [file, readFileSync(join(path, file), "latin1")]),
  );
const refused = (promise: Promise<unknown>): Promise<{ readonly reason?: string; readonly code: string; readonly message: string }> =>
  promise.then(
    () => ({ code: "none", message: "it was believed" }),
    ({ code, reason, message }) => ({ code, reason, message }),
  );
const because = (reason: string, text = ""): object => ({ code: "conflict", reason, message: expect.stringContaining(text) });

describe("an entry", () => {
  it("is one line that can be written in one way", () => {
    const bytes = encodeEntry(logEntry(7));
    expect(bytes.toString()).toBe(
      `{"plugin":"thermostat","version":"1.0.7","statement":"${logEntry(7).statement}","keyid":"${"a".repeat(64)}"}`,
    );
    expect(decodeEntry(bytes)).toEqual(logEntry(7));
    for (const text of [
      bytes.toString().replace(":", ": "),
      bytes.toString().replace('"plugin":"thermostat",', "").replace("}", ',"plugin":"thermostat"}'),
      bytes.toString().replace("}", ',"more":1}'),
      `${bytes}\n`,
      "[]",
      "",
      `"${"x".repeat(5_000)}"`,
    ])
      expect(decodeEntry(Buffer.from(text)), text.slice(0, 60)).toBeUndefined();
    for (const more of [
      { plugin: "Not A Name" },
      { version: "one" },
      { version: `1.0.0-${"x".repeat(300)}` },
      { statement: "abc" },
      { keyid: "A".repeat(64) },
    ])
      expect(() => encodeEntry(logEntry(1, more)), JSON.stringify(more).slice(0, 60)).toThrow(
        expect.objectContaining({ code: "invalid-message", message: expect.stringContaining(Object.keys(more)[0] ?? "") }),
      );
  });
});

describe("a log in a folder", () => {
  it("grows by new files only, with the same files whether at once or bit by bit, and says where each entry is", async () => {
    expect((await append(0, 3)).places).toEqual([0, 1, 2]);
    for (const [first, count] of [
      [3, 250],
      [253, 3],
      [256, 1],
      [257, 600],
    ] as const) {
      const before = filesIn(place);
      before.delete("checkpoint");
      expect((await append(first, count)).places[0]).toBe(first);
      const after = filesIn(place);
      for (const [file, content] of before) expect(after.get(file), file).toBe(content);
    }
    const bitByBit = filesIn(place);
    rmSync(place, { recursive: true });
    await append(0, 857);
    const atOnce = filesIn(place);
    for (const [file, content] of atOnce) expect(bitByBit.get(file), file).toBe(content);
    expect([...atOnce.keys()].filter((file) => file.includes("unfinished"))).toEqual([]);
    expect(atOnce.has("tile/1/000.p/3")).toBe(true);
  });

  it("has each entry once, and proves each, also to whom the parts of full tiles are gone", async () => {
    await append(0, 300);
    const { places, checkpoint } = await append(298, 4);
    expect(places).toEqual([298, 299, 300, 301]);
    expect(checkpoint.size).toBe(302);
    const reader = logReader(place, signer);
    const older = await reader.checkpoint();
    await append(302, 300);
    for (const width of [44, 46]) rmSync(join(place, `tile/0/001.p/${width}`));
    for (const width of [44, 46]) rmSync(join(place, `tile/entries/001.p/${width}`));
    const newer = await reader.checkpoint();
    expect(await reader.continues(older, newer)).toBe(true);
    for (const [index, at] of [
      [0, newer],
      [255, newer],
      [256, newer],
      [601, newer],
      [301, older],
      [0, older],
    ] as const) {
      const entries = await reader.entries(Math.floor(index / 256), at);
      const entry = entries[index % 256] ?? Buffer.alloc(0);
      expect(decodeEntry(entry)).toEqual(logEntry(index));
      expect((await reader.prove(entry, index, at)).hashes.length).toBeGreaterThan(4);
    }
  });

  it("begins with nothing in it, and is read by address as from a file", async () => {
    const { checkpoint } = await append(0, 0);
    expect(checkpoint.size).toBe(0);
    const reader = logReader(place, signer);
    const empty = await reader.checkpoint();
    await append(0, 70);
    const server = createServer((request, response) => {
      const found = filesIn(place).get((request.url ?? "").slice("/log/".length));
      if (found === undefined) return response.writeHead(404).end();
      response.end(Buffer.from(found, "latin1"));
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/log/`;
    const remote = logReader(place, signer, documentsBelow(base, { what: "the log" }));
    const now = await remote.checkpoint();
    expect(await remote.continues(empty, now)).toBe(true);
    expect((await remote.prove(encodeEntry(logEntry(69)), 69, now)).index).toBe(69);
    await new Promise((closed) => server.close(closed));
  });

  it("is not signed over what is not what was signed", async () => {
    await append(0, 300);
    const forged = encodeBundle(entriesFrom(1_000, 256).map(encodeEntry));
    const spoil: readonly (readonly [string, (log: string) => void, string])[] = [
      ["a rewritten old entry", (log) => writeFileSync(join(log, "tile/entries/000"), forged), "log-broken"],
      [
        "a cut bundle",
        (log) => writeFileSync(join(log, "tile/entries/001.p/44"), readFileSync(join(log, "tile/entries/001.p/44")).subarray(1)),
        "log-broken",
      ],
      ["a tile of another length", (log) => writeFileSync(join(log, "tile/0/000"), Buffer.alloc(31)), "log-broken"],
      ["a tile with other hashes", (log) => writeFileSync(join(log, "tile/1/000.p/1"), Buffer.alloc(32)), "log-broken"],
      [
        "another checkpoint",
        (log) => writeFileSync(join(log, "checkpoint"), signCheckpoint({ size: 44, root: Buffer.alloc(32) }, signer)),
        "log-broken",
      ],
      [
        "one of another key",
        (log) => writeFileSync(join(log, "checkpoint"), signCheckpoint({ size: 1, root: Buffer.alloc(32) }, signerNamed(signer.name))),
        "log-unsigned",
      ],
      ["none", (log) => rmSync(join(log, "checkpoint")), "log-unsigned"],
    ];
    for (const [what, how, reason] of spoil) {
      const log = copyTo(what.replaceAll(" ", "-"));
      how(log);
      const before = filesIn(log);
      expect(await refused(appendToLog(log, entriesFrom(300, 1), signer)), what).toMatchObject(because(reason));
      expect(filesIn(log), what).toEqual(before);
    }
    const missing = copyTo("missing");
    rmSync(join(missing, "tile/0/000"));
    expect(await refused(appendToLog(missing, [], signer))).toMatchObject(because("log-broken", "bring it back"));
    const broken = copyTo("root");
    // All files of an older log that is not this one's beginning.
    const other = join(folder.path, "other");
    await appendToLog(other, entriesFrom(500, 300), signer);
    cpSync(join(other, "tile"), join(broken, "tile"), { recursive: true });
    expect(await refused(appendToLog(broken, [], signer))).toMatchObject(because("log-broken", "not those that its checkpoint has signed"));
  });

  it("is appended to by one at a time, and goes on after one that was cut short", async () => {
    await append(0, 10);
    writeFileSync(join(place, "checkpoint.unfinished"), "");
    expect(await refused(append(10, 1))).toMatchObject({ code: "conflict", message: expect.stringContaining("remove what was left") });
    rmSync(join(place, "checkpoint.unfinished"));
    mkdirSync(join(place, "tile/0/000.p"), { recursive: true });
    writeFileSync(join(place, "tile/0/000.p/11"), "half");
    writeFileSync(join(place, "tile/entries/000.p/11"), "half");
    expect((await append(10, 1)).places).toEqual([10]);
    const reader = logReader(place, signer);
    await reader.prove(encodeEntry(logEntry(10)), 10, await reader.checkpoint());
    await Promise.allSettled([append(11, 5), append(20, 5)]);
    expect((await append(30, 1)).checkpoint.size).toBeGreaterThan(16);
    expect(
      await refused(appendToLog(place, [], { name: signer.name, key: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey })),
    ).toMatchObject({
      code: "invalid-message",
    });
    expect(await refused(appendToLog(place, [logEntry(1, { version: "x" })], signer))).toMatchObject({ code: "invalid-message" });
  });
});

describe("what a host has seen of a log", () => {
  let closeDatabase: () => void;
  let memory: LogCheckpoints;
  let told: string[];

  beforeEach(() => {
    told = [];
    const database = openHostDatabase(join(folder.path, "data"));
    closeDatabase = () => database.close();
    memory = new LogCheckpoints(database.connection, fakeClock());
  });
  afterEach(() => closeDatabase());

  const checkOf = (reader: LogReader): LogCheck =>
    new LogCheck({ reader, memory, onContradiction: (origin, what) => told.push(`${origin} ${what}`) });
  const check = (log = place): LogCheck => checkOf(logReader(log, signer));

  it("is continued by the log, and an entry is proven with its place and without", async () => {
    await append(0, 300);
    expect(await check().check(logEntry(299))).toMatchObject({ index: 299, checkpoint: { size: 300 } });
    expect(await check().check(logEntry(2), 2)).toMatchObject({ index: 2 });
    await append(300, 400);
    expect(await check().check(logEntry(5))).toMatchObject({ index: 5, checkpoint: { size: 700 } });
    expect(memory.newest(signer.name)?.size).toBe(700);
    for (const at of [undefined, 3, 699, 700, -1, 0.5])
      expect(await refused(check().check(logEntry(9_999), at)), String(at)).toMatchObject(because("not-logged", "thermostat 1.0.9999"));
    expect(await refused(check().check(logEntry(5), 6))).toMatchObject(because("not-logged"));
    expect(told).toEqual([]);
  });

  it("notices a fork: another tree of the same size, and one that grew out of it", async () => {
    await append(0, 300);
    const fork = copyTo("fork");
    await append(300, 10);
    await appendToLog(fork, entriesFrom(900, 10), signer);
    await check().check(logEntry(300));
    expect(await refused(check(fork).check(logEntry(900)))).toMatchObject(
      because("log-contradicts", "another root than this host has seen"),
    );
    await appendToLog(fork, entriesFrom(910, 500), signer);
    expect(await refused(check(fork).check(logEntry(900)))).toMatchObject(because("log-contradicts", "does not begin with the 310"));
    expect(told).toHaveLength(2);
    expect(memory.newest(signer.name)?.size).toBe(310);
    await check().check(logEntry(300));
  });

  it("notices an old entry that was rewritten, by whoever has the key", async () => {
    await append(0, 300);
    await check().check(logEntry(0));
    rmSync(place, { recursive: true });
    await appendToLog(place, [logEntry(0, { keyid: "b".repeat(64) }), ...entriesFrom(1, 400)], signer);
    expect(await refused(check().check(logEntry(350)))).toMatchObject(because("log-contradicts", "does not begin with the 300"));
    expect(told).toHaveLength(1);
  });

  it("notices that a log was cut, and tells a mirror that lags from one that lies", async () => {
    await append(0, 300);
    const lagging = copyTo("lagging");
    await check().check(logEntry(0));
    await append(300, 300);
    await check().check(logEntry(0));
    expect(await refused(check(lagging).check(logEntry(0)))).toMatchObject(
      because("log-lags", "has 300 entries here, and this host has seen 600"),
    );
    // One that this host has not seen, between two that it has.
    await appendToLog(lagging, entriesFrom(300, 100), signer);
    expect(await refused(check(lagging).check(logEntry(0)))).toMatchObject(because("log-lags"));
    expect(told).toEqual([]);
    const lying = join(folder.path, "lying");
    await appendToLog(lying, entriesFrom(5_000, 300), signer);
    expect(await refused(check(lying).check(logEntry(5_000)))).toMatchObject(because("log-contradicts"));
    await appendToLog(lying, entriesFrom(6_000, 100), signer);
    expect(await refused(check(lying).check(logEntry(5_000)))).toMatchObject(because("log-contradicts"));
    expect(told).toHaveLength(2);
    expect(memory.newest(signer.name)?.size).toBe(600);
  });

  it("believes no file that does not lead to the signed root", async () => {
    await append(0, 600);
    const honest = readerOf(place);
    const answering = (path: string, bytes: Uint8Array | undefined): LogReader =>
      logReader(place, signer, async (asked, maxBytes) => (asked === path ? bytes : honest(asked, maxBytes)));
    const tile = (await honest("tile/0/000", 8_192)) ?? Buffer.alloc(0);
    const changed = Buffer.from(tile);
    changed[40] = (changed[40] ?? 0) ^ 1;
    for (const [path, bytes] of [
      ["tile/0/000", changed],
      ["tile/0/000", tile.subarray(0, -1)],
      ["tile/0/000", Buffer.concat([tile, tile])],
      ["tile/0/000", undefined],
      ["tile/0/002.p/88", Buffer.alloc(88 * 32)],
      ["tile/entries/000", encodeBundle(entriesFrom(0, 255).map(encodeEntry))],
      ["tile/entries/000", Buffer.alloc(1_000_000)],
      ["tile/entries/000", Buffer.from([0xff, 0xff, 1])],
    ] as const)
      expect(await refused(checkOf(answering(path, bytes)).check(logEntry(5), 5)), `${path} ${bytes?.length}`).toMatchObject(
        because("log-broken"),
      );
    // An entry that is in the bundle only.
    const forged = encodeBundle([logEntry(7_777), ...entriesFrom(1, 255)].map(encodeEntry));
    expect(await refused(checkOf(answering("tile/entries/000", forged)).check(logEntry(7_777), 0))).toMatchObject(because("log-broken"));
    expect(await check().check(logEntry(5), 5)).toMatchObject({ index: 5 });
  });

  it("believes no checkpoint of another origin or key, and none that is too large", async () => {
    await append(0, 5);
    const root = leafHash(encodeEntry(logEntry(0)));
    const saying = (note: string): LogReader =>
      logReader(place, signer, async (path, maxBytes) => (path === "checkpoint" ? Buffer.from(note) : readerOf(place)(path, maxBytes)));
    for (const note of [
      signCheckpoint({ size: 1, root }, signerNamed(signer.name)),
      signCheckpoint({ size: 1, root }, { ...signer, name: "log.example/other" }),
      signCheckpoint({ size: 2 ** 50, root }, signer),
      signCheckpoint({ size: 1, root: root.subarray(1) }, signer),
      `${"x\n".repeat(10_000)}${signCheckpoint({ size: 1, root }, signer)}`,
      "",
    ])
      expect(await refused(checkOf(saying(note)).refresh()), note.slice(0, 60)).toMatchObject(because("log-unsigned"));
    expect(memory.newest(signer.name)).toBeUndefined();
    expect(told).toEqual([]);
  });

  it("keeps the newest, and the oldest on which they rest", async () => {
    for (let size = 1; size <= 1_010; size += 1) memory.remember({ origin: "a", size, root: Buffer.alloc(32, size % 256) });
    memory.remember({ origin: "a", size: 1_010, root: Buffer.alloc(32, 1) });
    memory.remember({ origin: "b", size: 5, root: Buffer.alloc(32) });
    expect(memory.newest("a")).toMatchObject({ size: 1_010, root: Buffer.alloc(32, 1_010 % 256) });
    expect(memory.atMost("a", 1_009)?.size).toBe(1_009);
    expect(memory.atMost("a", 9)?.size).toBe(1);
    expect(memory.newest("b")?.size).toBe(5);
    expect(memory.newest("c")).toBeUndefined();
  });
});
