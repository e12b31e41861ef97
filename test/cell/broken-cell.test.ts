// A process cell that is wholly in an attacker's hands, as a fault of V8 or of glue would leave it: its main is the attacker's. Whatever it sends, it
// ends, and its neighbours are served meanwhile.

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AuditLog } from "../../host/admin/audit.ts";
import { AuditAnchor } from "../../host/admin/audit-anchor.ts";
import { openHostDatabase } from "../../host/admin/database.ts";
import { resolveHardening } from "../../host/cell/outside/hardening.ts";
import { createProcessCell } from "../../host/cell/outside/process-cell.ts";
import { prepareStorage, reclaimStorage } from "../../host/cell/outside/storage-files.ts";
import type { SupervisedCell } from "../../host/cell/outside/supervised-cell.ts";
import type { Cell } from "../../host/core/ports/cell.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
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
  const ended = (id, output = Buffer.alloc(0), before = []) => frame(Buffer.of(1), u32(id), Buffer.alloc(40), Buffer.of(1), u32(output.length), output, Buffer.of(before.length, ...before));
  const f64 = (value) => { const bytes = Buffer.alloc(8); bytes.writeDoubleLE(value); return bytes; };
  const refused = (id, code, reason, wait = -1) => frame(Buffer.of(1), u32(id), Buffer.alloc(40), Buffer.of(0), text(code), text(reason), f64(wait), text("m"), text(""), Buffer.of(0));
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
  ["that it has handled an event before that it never had", "socket.write(ended(turn, Buffer.alloc(0), [0]));", /handled others before/],
  ["a name of a host function that is none", 'socket.write(call(1, turn, "x".repeat(60_000)));', /a text of 60000 bytes/],
  [
    "a frame in single bytes",
    "const bytes = call(1, turn, 'state.get', Buffer.alloc(50_000)); let at = 0; later(() => socket.write(bytes.subarray(at, at += 1)));",
    /pieces|arguments of 50000 bytes/,
  ],
  ["a refusal with what is no reason", 'socket.write(refused(turn, "refused", "\\u001b[2J"));', /a reason that is none/],
  ["a refusal without a reason", 'socket.write(refused(turn, "refused", ""));', /a refusal without one/],
  ["a code of the host's with a reason", 'socket.write(refused(turn, "permission-denied", "not-found"));', /a reason that is none/],
  ["a reason beyond any name", 'socket.write(refused(turn, "refused", "x".repeat(60_000)));', /a text of 60000 bytes/],
  ["a time that nobody can wait", 'socket.write(refused(turn, "refused", "unavailable", NaN));', /what nobody can wait/],
  ["acknowledgements that nobody asked for", "let id = 0; later(() => socket.write(acknowledged(id += 1)));", /nobody asked/],
  ["a profile that nobody asked for", "socket.write(frame(Buffer.of(4), u32(1), u32(0)));", /a profile that nobody asked for/],
  ["a profile without end", "socket.write(frame(Buffer.of(4), u32(1), u32(4_000_000_000)));", /tells of 4000000000 stacks/],
  [
    "what a turn was told, of a plugin that is not recorded",
    'socket.write(frame(Buffer.of(5), u32(turn), u32(2), Buffer.from("{}")));',
    /what nobody wants to know of a turn/,
  ],
  ["what a turn was told that there is not", "socket.write(frame(Buffer.of(5), u32(4711), u32(0)));", /turn that it does not have/],
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

/** What an attacker's JavaScript tries, with the addon that the cell brings; answers what came of each. */
const GRABS = `
  const tries = {
    "opens the host's database": () => new Database(data + "/host.sqlite").prepare("SELECT count(*) FROM audit").pluck().get(),
    "attaches the host's database": () => {
      const own = new Database(":memory:");
      own.exec("ATTACH '" + data + "/host.sqlite' AS host; DROP TRIGGER host.audit_is_not_deleted; DELETE FROM host.audit");
      return "deleted the audit";
    },
    "attaches another plugin's storage": () => new Database(":memory:").exec("ATTACH '" + data + "/storage/other.sqlite' AS other; CREATE TABLE other.mine (a)") && "wrote",
    "makes a file beside its own": () => new Database(data + "/storage/planted.sqlite").exec("CREATE TABLE t (a)") && "wrote",
    "reads the host's key": () => fs.readFileSync(data + "/secret.key", "utf8"),
    "signals the host": () => process.kill(host, 0) && "did",
    "takes the host's priority": () => { os.setPriority(host, 19); return "did"; },
    "starts a process": () => { const { error, status } = childProcess.spawnSync("/bin/true"); if (error) throw error; return status; },
    "opens its own storage": () => { const own = new Database(data + "/storage/p.sqlite"); own.pragma("journal_mode = MEMORY"); own.exec("CREATE TABLE mine (a)"); return "wrote"; },
  };
  const found = {};
  for (const [name, work] of Object.entries(tries)) {
    try { found[name] = String(work()); } catch (thrown) { found[name] = "refused"; }
  }
  const server = net.connect(port, "127.0.0.1");
  server.on("connect", () => give("connected")).on("error", () => give("refused"));
  const give = (reached) => socket.write(ended(turn, Buffer.from(JSON.stringify({ ...found, "reaches the network": reached }))));
`;

const isRoot = process.getuid?.() === 0;
const hasBubblewrap = spawnSync("bwrap", ["--ro-bind", "/", "/", "--unshare-all", "true"]).status === 0;
const WALLS = [
  { name: "a user of its own (needs root)", options: { bubblewrap: false }, missing: !isRoot, network: "connected" },
  {
    name: "namespaces and a filter of system calls (needs bubblewrap)",
    options: { users: false, bubblewrap: true },
    missing: !hasBubblewrap,
    network: "refused",
  },
  { name: "both (needs root and bubblewrap)", options: { bubblewrap: true }, missing: !isRoot || !hasBubblewrap, network: "refused" },
] as const;

describe("what a broken cell reaches", () => {
  let folder: string;
  let cell: SupervisedCell;

  beforeEach(() => {
    // Not below /tmp, which bubblewrap hides: the walls are to be seen.
    const cache = join(import.meta.dirname, "..", "..", ".cache");
    mkdirSync(cache, { recursive: true });
    folder = mkdtempSync(join(cache, "broken-"));
  });
  afterEach(async () => {
    await cell[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const { name, options, missing, network } of WALLS)
    it.skipIf(missing)(
      `is its own storage alone, behind ${name}`,
      async () => {
        const hardening = await resolveHardening(options);
        const database = openHostDatabase(folder);
        const audit = new AuditLog(database.connection, systemClock, new AuditAnchor(folder));
        audit.append("user:ada", "grant", "p");
        writeFileSync(join(folder, "secret.key"), "the key", { mode: 0o600 });
        const storageDir = join(folder, "storage");
        reclaimStorage(storageDir, hardening);
        const user = hardening.users && hardening.users.first + 1;
        prepareStorage(storageDir, "other", hardening.users && hardening.users.first + 2);
        const listening = createServer().listen(0, "127.0.0.1");
        await once(listening, "listening");
        const main = join(folder, "main.mjs");
        const names = `import fs from "node:fs"; import os from "node:os"; import net from "node:net"; import childProcess from "node:child_process";
        import Database from ${JSON.stringify(import.meta.resolve("better-sqlite3"))};
        const data = ${JSON.stringify(folder)}; const host = ${process.pid}; const port = ${(listening.address() as AddressInfo).port};`;
        writeFileSync(main, names + attacker(GRABS), { mode: 0o644 });
        const log = memoryLog();
        cell = createProcessCell({ clock: systemClock, log, storageDir, plugins: ["p"], hardening, user, entry: pathToFileURL(main) });
        await cell.load(image("p", await wat(`(module (func (export "run") (result i32) (i32.const 0)))`)));
        const outcome = await runTurn(cell, "p", "run");
        listening.close();
        const found = JSON.parse(outcome.ok ? new TextDecoder().decode(outcome.output) : "{}") as Record<string, string>;
        // Node's own permissions refuse the network too, on Node 26.
        expect(found).toMatchObject({
          "opens its own storage": "wrote",
          "reaches the network": expect.stringMatching(`refused|${network}`),
        });
        // In a root of its own it may write beside its files, and nobody will ever see it.
        const harmless = options.bubblewrap ? ["attaches another plugin's storage", "makes a file beside its own"] : [];
        const mine = ["opens its own storage", "reaches the network", ...harmless];
        expect(Object.entries(found).filter(([name, what]) => !mine.includes(name) && what !== "refused")).toEqual([]);
        expect(existsSync(join(storageDir, "planted.sqlite"))).toBe(false);
        expect(statSync(join(storageDir, "other.sqlite")).size).toBe(0);
        expect(statSync(join(storageDir, "p.sqlite")).size).toBeGreaterThan(0);
        expect(audit.verify()).toEqual({ ok: true, entries: 1 });
        database.close();
      },
      30_000,
    );
});
