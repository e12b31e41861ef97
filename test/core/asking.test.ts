// Plugins that ask a point, in the core: who may, who is asked, what is heard, and on whose account.

import { describe, expect, it } from "vitest";
import { HostError, toHostError } from "../../host/core/errors.ts";
import { Host } from "../../host/core/host.ts";
import type { Turn } from "../../host/core/ports/cell.ts";
import { startTrace } from "../../host/core/trace.ts";
import type { Bytes, ExtensionPoint, PluginDefinition } from "../../host/core/types.ts";
import { encodeError } from "../../host/engine/guest/blocks.ts";
import { startAll } from "../../host/lifecycle/start-order.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { hostPorts } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { definition, type Script, scriptedCell, textOf, utf8 } from "../support/scripted-cell.ts";

const POINT = "shop.discount";
const KIB = 1_024;

type Granted = readonly (readonly [permission: string, resource: string])[];

const may = (...list: Granted): Partial<PluginDefinition> => {
  const permissions = list.map(([permission, resource]) => ({ permission, resource, reason: "test" }));
  return { permissions, grants: permissions };
};
const answering = (priority = 0, granted: Granted = [["extensions.answer", "shop.*"]]): Partial<PluginDefinition> => ({
  extensions: [{ point: POINT, entryPoint: "answer", priority }],
  ...may(...granted),
});

/** What the plugin is told: the names of those who answered with what they said, or the code. */
async function ask(turn: Turn, input: Bytes, point = POINT, deadlineMs = "null"): Promise<string> {
  const block = await turn
    .answer("extensions.ask", [utf8(point), input, utf8(deadlineMs)])
    .catch((thrown) => encodeError(toHostError(thrown)));
  const value = JSON.parse(textOf(block.subarray(1)));
  if (block[0] !== 0) return `${value.code}: ${value.message}`;
  return value.map((one: { plugin: string; output: string }) => `${one.plugin} ${Buffer.from(one.output, "base64")}`).join(", ");
}

const asker: Script = { ask: async (input, turn) => utf8(await ask(turn, input)) };
const ASKER = { services: [{ name: "till.ask", entryPoint: "ask" }], ...may(["extensions.ask", POINT]) };
const says = (text: string): Script => ({ answer: () => utf8(text) });

type Scene = Readonly<Record<string, readonly [Script, Partial<PluginDefinition>]>>;

async function open(
  plugins: Scene,
  point: Partial<ExtensionPoint> = {},
): Promise<{ host: Host; clock: FakeClock; asked(input?: string): Promise<string> }> {
  const [clock, log] = [fakeClock(), memoryLog()];
  const host = new Host(hostPorts({ clock, log }));
  host.extensions.declare({ name: POINT, owner: "shop", checkInput: () => {}, checkAnswer: () => {}, ...point });
  const all: Scene = { till: [asker, ASKER], ...plugins };
  const cell = scriptedCell(Object.fromEntries(Object.entries(all).map(([name, [script]]) => [name, script])));
  for (const [name, [script, rest]] of Object.entries(all)) host.add(definition(name, script, rest), cell);
  await startAll(host, log);
  const caller = { kind: "adapter", name: "test" } as const;
  return {
    host,
    clock,
    asked: (input = "cart") =>
      host.services.call({ service: "till.ask", payload: utf8(input), caller, traceparent: startTrace() }).then(textOf),
  };
}

describe("a plugin that asks", () => {
  it("hears who may answer, by priority and then by name, with itself as the caller", async () => {
    const echo: Script = { answer: (input, turn) => utf8(`${turn.caller.kind} ${turn.caller.name} ${textOf(input)}`) };
    const { asked } = await open({
      late: [says("3"), answering(-5)],
      beta: [says("2b"), answering()],
      alpha: [says("2a"), answering()],
      first: [echo, answering(10)],
      other: [says("no"), { ...answering(), extensions: [{ point: "shop.price", entryPoint: "answer", priority: 0 }] }],
    });
    expect(await asked("7 €")).toBe("first plugin till 7 €, alpha 2a, beta 2b, late 3");
  });

  it("is denied without the permission, with the wrong one, and allowed with it", async () => {
    const known: Scene = { loyal: [says("5"), answering()] };
    const denied = `permission-denied: till has no permission extensions.ask for ${POINT}`;
    for (const wrong of [may(), may(["extensions.ask", "shop.price"]), may(["extensions.answer", POINT])])
      expect(await (await open({ ...known, till: [asker, { ...ASKER, ...wrong }] })).asked()).toContain(denied);
    expect(await (await open({ ...known, till: [asker, { ...ASKER, ...may(["extensions.ask", "shop.**"]) }] })).asked()).toBe("loyal 5");
  });

  it("does not hear whose manifest does not ask, or who is granted another point, was denied or does not run", async () => {
    const point = [{ permission: "extensions.answer", resource: POINT, reason: "test" }];
    const { host, asked } = await open({
      unasking: [says("1"), { ...answering(), permissions: [] }],
      ungranted: [says("2"), { ...answering(), grants: [] }],
      elsewhere: [says("3"), answering(0, [["extensions.answer", "shop.price"]])],
      denied: [says("4"), { ...answering(), grants: [...point, { permission: "extensions.answer", resource: "shop.**", effect: "deny" }] }],
      stopped: [says("5"), answering()],
      loyal: [says("6"), answering()],
    });
    await host.plugin("stopped")?.stop(0);
    expect(await asked()).toBe("loyal 6");
  });

  it("is told when nobody declares the point, when the point does not take the input, and when it is too long", async () => {
    const stray: Script = { ask: async (input, turn) => utf8(await ask(turn, input, "shop.price")) };
    const strayed = await open({ till: [stray, { ...ASKER, ...may(["extensions.ask", "**"]) }] });
    expect(await strayed.asked()).toBe("no-such-service: nobody declares shop.price");
    const picky = await open(
      { loyal: [says("5"), answering()] },
      {
        checkInput: () => {
          throw new HostError("invalid-message", "cart must be a list");
        },
      },
    );
    expect(await picky.asked()).toBe("invalid-message: cart must be a list");
    const limits = { ...DEFAULT_LIMITS, payloadBytes: 3 };
    const short = await open({ till: [{ ask: async (_input, turn) => utf8(await ask(turn, utf8("carts"))) }, { ...ASKER, limits }] });
    expect(await short.asked("x")).toContain(`quota-exceeded: what ${POINT} is asked has 5 bytes; the limit is 3 (limits.payloadMiB)`);
  });

  it("leaves out who fails, says too much, answers wrongly or not in time, and hears the others", async () => {
    const share = Math.floor((KIB * KIB) / 6);
    const { clock, asked } = await open(
      {
        till: [{ ask: async (input, turn) => utf8(await ask(turn, input, POINT, "200")) }, ASKER],
        broken: [
          {
            answer: () => {
              throw new Error("unreachable");
            },
          },
          answering(),
        ],
        gone: [{ answer: () => new Promise(() => {}) }, answering()],
        large: [{ answer: () => new Uint8Array(share + 1) }, answering()],
        wrong: [says("nonsense"), answering()],
        loyal: [says("5"), answering()],
        fit: [{ answer: () => new Uint8Array(share).fill(55) }, answering()],
      },
      {
        checkAnswer: (answer) => {
          if (textOf(answer) === "nonsense") throw new HostError("plugin-failed", "no discount");
        },
      },
    );
    const heard = asked();
    // One second more is how long the host waits for a cell that does not end its turn.
    await clock.advance(1_200);
    expect(await heard).toBe(`fit ${"7".repeat(share)}, loyal 5`);
  });

  it("gives all one deadline, before the end of its own turn, and asks nobody when no time is left", async () => {
    const deadlines: number[] = [];
    const notes: Script = {
      answer: (_input, turn) => {
        deadlines.push(turn.deadline);
        return undefined;
      },
    };
    const waits = ["200", "null", "0"];
    const { asked } = await open({
      till: [
        { ask: async (input, turn) => utf8(await ask(turn, input, POINT, waits.shift())) },
        { ...ASKER, limits: { ...DEFAULT_LIMITS, deadlineMs: 300 } },
      ],
      one: [notes, answering()],
      two: [notes, { ...answering(), limits: { ...DEFAULT_LIMITS, deadlineMs: 50 } }],
    });
    await asked();
    await asked();
    expect(deadlines).toEqual([200, 50, 290, 50]);
    expect(await asked()).toBe(`deadline-exceeded: no time is left to ask ${POINT}`);
    expect(deadlines).toHaveLength(4);
  });

  it("does not hear itself, nor whoever waits for its turn", async () => {
    const both: Script = { ...asker, answer: async (input, turn) => utf8(`<${await ask(turn, input)}>`) };
    const granted: Granted = [
      ["extensions.ask", POINT],
      ["extensions.answer", POINT],
    ];
    const { asked } = await open({
      till: [both, { ...answering(0, granted), services: ASKER.services }],
      loop: [both, answering(0, granted)],
      loyal: [says("5"), answering()],
    });
    // What loop asks reaches neither till, which waits for it, nor loop itself.
    expect(await asked()).toBe("loop <loyal 5>, loyal 5");
  });

  it("hears 32 of 40, the first ones by priority, and no more of each than its share", async () => {
    const share = (KIB * KIB) / 32;
    const many = Array.from({ length: 40 }, (_, i): [string, Scene[string]] => {
      const script: Script = { answer: () => new Uint8Array(i === 39 ? share + 1 : 1).fill(48) };
      return [`p${i}`, [script, answering(i)]];
    });
    const { asked } = await open(Object.fromEntries(many));
    const names = (await asked()).split(", ").map((one) => one.split(" ")[0]);
    expect(names).toEqual(Array.from({ length: 31 }, (_, i) => `p${38 - i}`));
  });

  it("stops waiting when its grant is taken away", async () => {
    const { host, asked } = await open({ gone: [{ answer: () => new Promise(() => {}) }, answering()] });
    const heard = asked();
    await new Promise((resolve) => setImmediate(resolve));
    host.plugin("till")?.permissions.replaceGrants([]);
    expect(await heard).toContain(`permission-denied: till has no permission extensions.ask for ${POINT}`);
  });

  it("needs its caller's permission too where it acts for its caller", async () => {
    const relay: Script = {
      relay: async (input, turn) => (await turn.answer("services.call", [utf8("till.ask"), input, utf8("null")])).subarray(1),
    };
    const scene = (...granted: Granted): Scene => ({
      till: [asker, { ...ASKER, services: [{ name: "till.ask", entryPoint: "ask", asCaller: true }] }],
      clerk: [relay, { services: [{ name: "clerk.relay", entryPoint: "relay" }], ...may(["services.call", "till.ask"], ...granted) }],
      loyal: [says("5"), answering()],
    });
    const relayed = async (plugins: Scene): Promise<string> => {
      const { host } = await open(plugins);
      const call = {
        service: "clerk.relay",
        payload: utf8("cart"),
        caller: { kind: "adapter", name: "test" },
        traceparent: startTrace(),
      } as const;
      return textOf(await host.services.call(call));
    };
    expect(await relayed(scene())).toContain("permission-denied: clerk has no permission extensions.ask");
    expect(await relayed(scene(["extensions.ask", POINT]))).toBe("loyal 5");
  });

  it("pays with its own host time for what the answers make the host do, and waits when that is spent", async () => {
    const times: number[] = [];
    const scene: Scene = {
      till: [
        { ask: async (input, turn) => utf8(`${await ask(turn, input)}; ${await ask(turn, input)}`) },
        { ...ASKER, limits: { ...DEFAULT_LIMITS, hostMsPerSecond: 200 } },
      ],
      loyal: [says("5"), { ...answering(), limits: { ...DEFAULT_LIMITS, hostMsPerSecond: 1 } }],
    };
    let clock: FakeClock | undefined;
    const point = {
      checkAnswer: () => {
        times.push(clock?.monotonicMs() ?? 0);
        clock?.pass(300);
      },
    };
    const opened = await open(scene, point);
    clock = opened.clock;
    const heard = opened.asked();
    await clock.advance(4_000);
    expect(await heard).toBe("loyal 5; loyal 5");
    // 300 ms of 200 a second: the answer is written, and the next question asked, half a second later.
    expect(times).toEqual([0, 800]);
  });
});
