// A process cell that is wholly in an attacker's hands, as a fault of V8 or of glue would leave it: its main is the attacker's. Whatever it sends, it
// ends, and its neighbours are served meanwhile.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../host/adapters/system-clock.ts";
import { createProcessCell } from "../../host/cell/process-cell.ts";
import type { SupervisedCell } from "../../host/cell/supervised-cell.ts";
import type { Cell } from "../../host/core/ports.ts";
import { createCell, image, runTurn } from "../support/cells.ts";
import { type MemoryLog, memoryLog } from "../support/memory-log.ts";
import { wat } from "../support/wat.ts";

/** Speaks the protocol until a turn comes, then does `attack` with what is in scope. */
const attacker = (attack: string): string => `
  import { Socket } from "node:net";
  const socket = new Socket({ fd: 3, readable: true, writable: true });
  const u32 = (value) => { const bytes = Buffer.alloc(4); bytes.writeUInt32LE(value >>> 0); return bytes; };
  const text = (value) => Buffer.concat([u32(Buffer.byteLength(value)), Buffer.from(value)]);
  const frame = (...parts) => { const body = Buffer.concat(parts); return Buffer.concat([u32(body.length), body]); };
  const acknowledged = (id) => frame(Buffer.of(0), u32(id), Buffer.of(1));
  const call = (id, turn, name = "state.get", ...args) => frame(Buffer.of(2), u32(id), u32(turn), text(name), Buffer.of(args.length), ...args.flatMap((arg) => [u32(arg.length), arg]));
  const ended = (id, output = Buffer.alloc(0)) => frame(Buffer.of(1), u32(id), Buffer.alloc(32), Buffer.of(1), u32(output.length), output);
  const later = (work) => setImmediate(function again() { work(); setImmediate(again); });
  const onTurn = (turn) => { ${attack} };
  let kept = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    kept = Buffer.concat([kept, chunk]);
    while (kept.length >= 4 && kept.length >= 4 + kept.readUInt32LE(0)) {
      const length = kept.readUInt32LE(0);
      const kind = kept[4];
      const id = kept.readUInt32LE(5);
      kept = kept.subarray(4 + length);
      if (kind === 2) onTurn(id);
      else if (kind !== 3) socket.write(acknowledged(id));
    }
  });
`;

const ATTACKS: readonly (readonly [name: string, attack: string, told: RegExp])[] = [
  ["calls for turns that there are not", "later(() => socket.write(call(1, 4711)));", /turn that it does not have/],
  ["two calls at once", "socket.write(Buffer.concat([call(1, turn), call(2, turn)]));", /while it is being answered/],
  [
    "calls without end, answered or not",
    "let id = 0; later(() => socket.write(call(id += 1, turn)));",
    /more than 1000 times|while it is being answered/,
  ],
  [
    "arguments beyond any payload",
    'socket.write(call(1, turn, "state.set", Buffer.alloc(60_000), Buffer.alloc(8_000)));',
    /arguments of 68000 bytes/,
  ],
  ["an output beyond any payload", "socket.write(ended(turn, Buffer.alloc(65_000)));", /an output of 65000 bytes/],
  ["a name of a host function that is none", 'socket.write(call(1, turn, "x".repeat(60_000)));', /a text of 60000 bytes/],
  [
    "a frame in single bytes",
    "const bytes = call(1, turn, 'state.get', Buffer.alloc(50_000)); let at = 0; later(() => socket.write(bytes.subarray(at, at += 1)));",
    /pieces|arguments of 50000 bytes/,
  ],
  ["acknowledgements that nobody asked for", "let id = 0; later(() => socket.write(acknowledged(id += 1)));", /nobody asked/],
  ["what is no frame", "socket.write(Buffer.alloc(100, 0xff));", /is announced/],
];

describe("a cell in an attacker's hands", () => {
  let folder: string;
  let log: MemoryLog;
  let cell: SupervisedCell;
  let neighbour: Cell;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "bulkhead-test-"));
    log = memoryLog();
    neighbour = createCell("inline", log);
    await neighbour.load(image("neighbour", await wat(`(module (func (export "run") (result i32) (i32.const 0)))`)));
  });
  afterEach(async () => {
    await cell[Symbol.asyncDispose]();
    await neighbour[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(ATTACKS)("ends when it sends %s", async (_name, attack, told) => {
    const main = join(folder, "main.mjs");
    writeFileSync(main, attacker(attack));
    cell = createProcessCell({ clock: systemClock, log, storageDir: undefined, plugins: undefined, entry: pathToFileURL(main) });
    const limits = { hostCalls: 1_000, payloadBytes: 10_000 };
    await cell.load(image("p", await wat(`(module (func (export "run") (result i32) (i32.const 0)))`), limits));
    let answered = 0;
    const answer = async (): Promise<Uint8Array> => {
      answered += 1;
      return new Uint8Array(1);
    };
    const attacked = runTurn(cell, "p", "run", { answer });
    expect(await runTurn(neighbour, "neighbour", "run")).toMatchObject({ ok: true });
    expect(await attacked).toMatchObject({
      ok: false,
      error: { code: "plugin-failed", message: expect.stringContaining("broke the protocol") },
    });
    expect(answered).toBeLessThanOrEqual(1_001);
    expect(log.lines.map(({ cause }) => String(cause))).toContainEqual(expect.stringMatching(told));
  });

  it("ends when it reads no answer", async () => {
    const main = join(folder, "main.mjs");
    writeFileSync(main, attacker("socket.pause(); let id = 0; setInterval(() => socket.write(call(id += 1, turn)), 1);"));
    cell = createProcessCell({ clock: systemClock, log, storageDir: undefined, plugins: undefined, entry: pathToFileURL(main) });
    await cell.load(
      image("p", await wat(`(module (func (export "run") (result i32) (i32.const 0)))`), { payloadBytes: 10_000, mailboxBytes: 10_000 }),
    );
    const attacked = runTurn(cell, "p", "run", { answer: async () => new Uint8Array(1_000_000) });
    expect(await attacked).toMatchObject({ ok: false, error: { code: "plugin-failed" } });
    expect(log.lines.map(({ cause }) => String(cause))).toContainEqual(
      expect.stringMatching(/wait to be read by the peer|while it is being answered/),
    );
  });
});
