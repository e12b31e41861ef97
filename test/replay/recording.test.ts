// What is written down of turns: within its bounds, whatever a guest does, and never what is not to be kept. What a cell tells of a turn is taken for an attacker's.

import { describe, expect, it } from "vitest";
import { parseTape } from "../../host/bounds/parse-tape.ts";
import { MAX_TAPE_BYTES, MAX_TURN_BYTES, TAPES_PER_MINUTE, type Tape } from "../../host/bounds/turn-tape.ts";
import { CellClient } from "../../host/cell/outside/client.ts";
import { connect, createInlineCell } from "../../host/cell/outside/inline-cell.ts";
import type { FromCell } from "../../host/cell/wire/protocol.ts";
import type { RecordedTurn } from "../../host/core/ports/cell.ts";
import { NO_USAGE, type PluginImage } from "../../host/core/types.ts";
import { openPluginStorage } from "../../host/drivers/storage-sqlite/storage-sqlite.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { admitPlugin } from "../../host/engine/admit-plugin.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { image, runTurn } from "../support/cells.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type RecordingCell, recordingCell, recordOf, replayed } from "../support/recorded.ts";
import { wat } from "../support/wat.ts";
import { WITNESS } from "./witness.wat.ts";

const SECRET = "correct horse battery staple";
const base64 = (text: string): string => Buffer.from(text).toString("base64");

async function loaded(limits = {}): Promise<RecordingCell & { readonly image: PluginImage }> {
  const one: PluginImage = {
    ...image("witness", await wat(WITNESS), { cpuMs: 10_000, cpuMsPerSecond: 1_000, deadlineMs: 20_000, hostCalls: 5_000, ...limits }),
    tape: "failures",
  };
  const world = recordingCell("inline");
  await world.cell.load(one);
  return { ...world, image: one };
}

const tapeOf = (turns: readonly RecordedTurn[]): Tape => parseTape(turns.at(-1)?.tape ?? new Uint8Array(0));

describe("what is kept of a turn", () => {
  it("ends where it is too much, which the replay says", async () => {
    await using world = await loaded();
    await runTurn(world.cell, "witness", "swallow");
    expect(world.turns[0]?.tape.length).toBeLessThan(1.5 * MAX_TURN_BYTES);
    expect(tapeOf(world.turns).turn.cut).toMatch(/more than 1048576 bytes/);
    const { turns } = world;
    const again = await replayed(recordOf(turns[0] as RecordedTurn, world.image), world.image);
    expect(again).toMatchObject({ verdict: "incomplete", notes: [expect.stringContaining("the record is incomplete")] });
  });

  it("is nothing of an input that is too much by itself", async () => {
    await using world = await loaded({ payloadBytes: 4 * MAX_TURN_BYTES, blockBytes: 16 * MAX_TURN_BYTES });
    await runTurn(world.cell, "witness", "fail_random", { input: "x".repeat(2 * MAX_TURN_BYTES) });
    expect(world.turns[0]?.tape.length).toBeLessThan(1_000);
    expect(tapeOf(world.turns).turn).toMatchObject({ input: "", random: "" });
  });

  it("is little of a guest that asks and looks at the clock without end", async () => {
    await using world = await loaded({ cpuMs: 500, hostCalls: 100_000 });
    await runTurn(world.cell, "witness", "chatter", { timeoutMs: 20_000 });
    expect(tapeOf(world.turns).turn.cut).toBeDefined();
    expect(world.turns[0]?.tape.length).toBeLessThan(2 * MAX_TURN_BYTES);
  });

  it("is not more than so many turns in a minute, while all of them go on failing", async () => {
    await using world = await loaded();
    for (let i = 0; i < 4 * TAPES_PER_MINUTE; i += 1)
      expect(await runTurn(world.cell, "witness", "fail_random")).toMatchObject({ ok: false, error: { code: "plugin-failed" } });
    expect(world.turns).toHaveLength(TAPES_PER_MINUTE);
  });
});

describe("what came before a turn", () => {
  it("is forgotten once it is too much, which record and replay say where the module does not show its state", async () => {
    await using world = await loaded();
    const input = "x".repeat(60_000);
    for (let i = 0; i < 20; i += 1) await runTurn(world.cell, "witness", "count", { input });
    await runTurn(world.cell, "witness", "fail_counted");
    expect(tapeOf(world.turns)).toMatchObject({ before: [], lost: expect.stringContaining("cannot be told") });
    const again = await replayed(recordOf(world.turns[0] as RecordedTurn, world.image), world.image);
    expect(again.notes).toEqual([
      expect.stringMatching(/replayed from a new instance, so it may end otherwise: what its instance was before it cannot be told/),
    ]);
  });

  it("begins anew with an instance that is made for a turn", async () => {
    await using world = await loaded();
    await runTurn(world.cell, "witness", "count");
    await runTurn(world.cell, "witness", "trap_by_random");
    await runTurn(world.cell, "witness", "fail_counted");
    expect(tapeOf(world.turns)).toMatchObject({ before: [], turn: { isNew: true } });
    const again = await replayed(recordOf(world.turns.at(-1) as RecordedTurn, world.image), world.image);
    expect(again).toMatchObject({ verdict: "same", error: { message: "0" } });
  });

  it("is not kept when it may be in the guest's memory what is never kept; and of what the guest says then there is a digest", async () => {
    await using world = await loaded();
    const answer = async (): Promise<Uint8Array> => new TextEncoder().encode("\0true");
    await runTurn(world.cell, "witness", "verify", { input: SECRET, answer });
    await runTurn(world.cell, "witness", "fail_stored", { input: "later" });
    const tape = tapeOf(world.turns);
    expect(tape).toMatchObject({ before: [], lost: expect.stringContaining("crypto, secrets or mail") });
    expect(tape.turn.calls).toEqual([{ name: "storage.get", digest: expect.stringMatching(/^[0-9a-f]{64}$/), answer: expect.any(String) }]);
    expect(Buffer.from(world.turns[0]?.tape ?? "").includes(base64(SECRET).slice(0, 16))).toBe(false);
    expect(await replayed(recordOf(world.turns[0] as RecordedTurn, world.image), world.image)).toMatchObject({ verdict: "same" });
  });

  it("is run again with an answer that is given, and otherwise says what is missing", async () => {
    await using world = await loaded();
    const answer = async (): Promise<Uint8Array> => new TextEncoder().encode("\0true");
    await runTurn(world.cell, "witness", "fail_verified", { input: SECRET, answer });
    const record = recordOf(world.turns[0] as RecordedTurn, world.image);
    // The input is the turn's own; the function's arguments and answer are not there.
    expect(record.tape.turn.calls[0]).toEqual({ name: "crypto.password-verify", masked: true });
    expect(record.tape.turn.calls[1]).toMatchObject({ name: "storage.set", digest: expect.any(String) });
    expect(await replayed(record, world.image)).toMatchObject({
      verdict: "needs-answer",
      divergence: { step: 0, why: "masked", asked: "crypto.password-verify" },
    });
    const given = { "crypto.password-verify": new TextEncoder().encode("true") };
    expect(await replayed(record, world.image, given)).toMatchObject({ verdict: "same" });
  });
});

describe("what a cell tells of a turn", () => {
  const turn: Tape["turn"] = {
    ...{
      entryPoint: "f",
      input: "",
      caller: { kind: "host", name: "x" },
      isNew: true,
      calls: [],
      now: [],
      monotonic: [],
      random: "",
      fuel: 1,
    },
  };
  const tape: Tape = { salt: "0".repeat(32), before: [], turn };
  const encoded = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

  it("is believed only where it has the form of a tape", () => {
    expect(parseTape(encoded(tape))).toEqual(tape);
    const forged: readonly (readonly [what: unknown, told: RegExp])[] = [
      ["", /malformed/],
      [{ ...tape, more: 1 }, /more|[Uu]nrecognized/],
      [{ ...tape, salt: "../../etc" }, /salt/],
      [{ ...tape, turn: { ...turn, random: "no base64!" } }, /turn\.random: no base64/],
      [{ ...tape, turn: { ...turn, fuel: -1 } }, /turn\.fuel/],
      [{ ...tape, turn: { ...turn, caller: { kind: "root", name: "x" } } }, /turn\.caller\.kind/],
      [{ ...tape, turn: { ...turn, calls: Array.from({ length: 20_001 }, () => ({ name: "f" })) } }, /turn\.calls/],
      [{ ...tape, turn: { ...turn, calls: [{ name: "x".repeat(200) }] } }, /turn\.calls\.0\.name/],
      [{ ...tape, turn: { ...turn, failed: { code: "made-up", message: "m" } } }, /turn\.failed\.code/],
      [{ ...tape, before: Array.from({ length: 5_001 }, () => turn) }, /before/],
      [{ ...tape, turn: { ...turn, now: Array.from({ length: 400_000 }, () => 1) } }, /too many values/],
    ];
    for (const [what, told] of forged) expect(() => parseTape(encoded(what)), String(told)).toThrow(told);
    expect(() => parseTape(encoded("x".repeat(MAX_TAPE_BYTES)))).toThrow(/the limit is 8388608/);
    expect(() => parseTape(new TextEncoder().encode("[".repeat(100_000)))).toThrow(/nests too deep/);
    expect(() => parseTape(Uint8Array.of(0xff, 0xfe))).toThrow(/no JSON/);
  });

  it("ends the cell when it is too much, comes twice, too often, or of a turn that ends well is kept by nobody", async () => {
    const kept: RecordedTurn[] = [];
    const clock = fakeClock();
    const made = async () => {
      const [hostEnd, cellEnd] = connect();
      let id = 0;
      cellEnd.receive((message) => {
        if (message.kind === "load") cellEnd.send({ kind: "acknowledged", id: message.id, error: undefined });
        if (message.kind === "turn") id = message.id;
      });
      const client = new CellClient({
        channel: hostEnd,
        clock,
        log: memoryLog(),
        onRecorded: (one) => kept.push(one),
        ended: async () => {},
      });
      await client.load({ ...image("witness", await wat(WITNESS)), tape: "failures" });
      const say = (message: FromCell): void => cellEnd.send(message);
      const begin = (): void => void runTurn(client, "witness", "well", { deadline: Number.POSITIVE_INFINITY });
      return { say, begin, id: () => id };
    };
    const error = { code: "plugin-failed", message: "m" } as const;
    const one = await made();
    one.begin();
    expect(() => one.say({ kind: "recorded", id: one.id(), tape: new Uint8Array(MAX_TAPE_BYTES + 1) })).toThrow(/tells 8388609 bytes/);
    one.say({ kind: "recorded", id: one.id(), tape: encoded(tape) });
    expect(() => one.say({ kind: "recorded", id: one.id(), tape: encoded(tape) })).toThrow(/nobody wants to know/);
    one.say({ kind: "ended", id: one.id(), outcome: { ok: false, error, usage: NO_USAGE } });
    expect(kept).toHaveLength(1);
    const other = await made();
    const fail = (): void => {
      other.begin();
      other.say({ kind: "recorded", id: other.id(), tape: encoded(tape) });
      other.say({ kind: "ended", id: other.id(), outcome: { ok: false, error, usage: NO_USAGE } });
    };
    for (let i = 0; i < 2 * TAPES_PER_MINUTE; i += 1) fail();
    expect(fail).toThrow(/nobody wants to know/);
    await clock.advance(60_000);
    other.say({ kind: "recorded", id: other.id(), tape: encoded(tape) });
  });
});

describe("a plugin that is not recorded", () => {
  it("has no environment around it but its own, and tells nothing", async () => {
    await using world = recordingCell("inline");
    const one = image("witness", await wat(WITNESS));
    await world.cell.load(one);
    await runTurn(world.cell, "witness", "fail_random");
    expect(world.turns).toEqual([]);
    await expect(world.cell.replay?.("witness", new TextEncoder().encode("{}"))).rejects.toMatchObject({ code: "conflict" });
    expect(systemClock.now()).toBeGreaterThan(0);
  });
});

describe("an instance that has come a long way", () => {
  const STEPS = 30;
  const input = "x".repeat(60_000);
  const exposed = async (): Promise<PluginImage> => {
    const limits = { ...DEFAULT_LIMITS, cpuMs: 10_000, cpuMsPerSecond: 1_000, deadlineMs: 20_000 };
    const { module, entryPoints, report } = admitPlugin(await wat(WITNESS), limits, undefined, true);
    return { name: "witness", module, compileBytes: report.compileBytes, entryPoints, limits, config: {}, tape: "failures" };
  };

  it("is kept as it is then, and replays go on from there", async () => {
    const one = await exposed();
    await using world = recordingCell("inline");
    await world.cell.load(one);
    for (let i = 0; i < STEPS; i += 1) await runTurn(world.cell, "witness", "count", { input });
    await runTurn(world.cell, "witness", "fail_counted");
    const tape = tapeOf(world.turns);
    expect(tape.lost).toBeUndefined();
    expect(tape.state?.length).toBeGreaterThan(0);
    expect(tape.before.length).toBeLessThan(20);
    const record = recordOf(world.turns[0] as RecordedTurn, one);
    const again = await replayed(record, one);
    expect(again).toMatchObject({
      verdict: "same",
      notes: [],
      before: tape.before.length,
      error: { message: String.fromCharCode(48 + STEPS) },
    });
    const other = image("witness", await wat(WITNESS));
    expect(await replayed(record, other)).toMatchObject({
      build: "another",
      notes: [expect.stringContaining("another one"), expect.stringContaining("replayed from a new instance")],
    });
  });

  it("serves what comes while it is looked at, in its order", async () => {
    const one = await exposed();
    await using world = recordingCell("inline");
    await world.cell.load(one);
    const turns = Array.from({ length: STEPS }, () => runTurn(world.cell, "witness", "count", { input }));
    const last = runTurn(world.cell, "witness", "fail_counted");
    expect((await Promise.all(turns)).every(({ ok }) => ok)).toBe(true);
    expect(await last).toMatchObject({ ok: false, error: { message: String.fromCharCode(48 + STEPS) } });
  });

  it("and has slept since goes on in a replay from where it woke", async () => {
    const one: PluginImage = { ...(await exposed()), keepsState: true };
    const turns: RecordedTurn[] = [];
    const made = (): CellClient =>
      createInlineCell({
        ...{ clock: systemClock, log: memoryLog(), onRecorded: (turn) => turns.push(turn) },
        openStorage: (plugin) => openPluginStorage(undefined, plugin, systemClock),
      });
    await using before = made();
    await before.load(one);
    for (let i = 0; i < 3; i += 1) await runTurn(before, "witness", "count");
    const state = await before.capture("witness");
    await using after = made();
    await after.load(one, undefined, state);
    await runTurn(after, "witness", "count");
    await runTurn(after, "witness", "fail_counted");
    expect(tapeOf(turns).before).toHaveLength(1);
    const record = recordOf(turns[0] as RecordedTurn, one);
    expect(await replayed(record, one)).toMatchObject({ verdict: "same", notes: [], error: { message: "4" } });
  });

  it("is not kept when it may hold what is never kept", async () => {
    const one = await exposed();
    await using world = recordingCell("inline");
    await world.cell.load(one);
    const answer = async (): Promise<Uint8Array> => new TextEncoder().encode("\0true");
    for (let i = 0; i < STEPS; i += 1) await runTurn(world.cell, "witness", i === 16 ? "verify" : "count", { input, answer });
    for (let i = 0; i < STEPS; i += 1) await runTurn(world.cell, "witness", "count", { input });
    await runTurn(world.cell, "witness", "fail_counted");
    expect(tapeOf(world.turns)).toMatchObject({ before: [], lost: expect.any(String) });
    expect(tapeOf(world.turns).state).toBeUndefined();
  });

  it("is not believed where the state is no state of its module", async () => {
    const one = await exposed();
    await using world = recordingCell("inline");
    await world.cell.load(one);
    await runTurn(world.cell, "witness", "count");
    await runTurn(world.cell, "witness", "fail_counted");
    const record = recordOf(world.turns[0] as RecordedTurn, one, { state: base64("none of it") });
    await expect(replayed(record, one)).rejects.toMatchObject({ code: "invalid-message", message: expect.stringContaining("damaged") });
  });
});
