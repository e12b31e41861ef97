// Plugins of JavaScript functions that send to each other, in a host whose clock a test moves.

import { sendFunctions } from "../../host/capabilities/sends/functions.ts";
import { type SendOptions, sendOptions } from "../../host/capabilities/sends/options.ts";
import { Host } from "../../host/core/host.ts";
import type { Turn } from "../../host/core/ports/cell.ts";
import type { EventLog } from "../../host/core/ports/events.ts";
import type { Guard } from "../../host/core/ports/policy.ts";
import type { Bytes, Grant, PluginDefinition } from "../../host/core/types.ts";
import { memory } from "../../host/drivers/events/memory.ts";
import { type EventLogOptions, eventLogOptions } from "../../host/drivers/events/options.ts";
import { blockCodec } from "../../host/engine/guest/blocks.ts";
import { Sends } from "../../host/lifecycle/sends/sends.ts";
import { type FakeClock, fakeClock, settle } from "../support/fake-clock.ts";
import { hostPorts } from "../support/host-ports.ts";
import { type MemoryLog, memoryLog } from "../support/memory-log.ts";
import { definition, type Script, scriptedCell, textOf, utf8 } from "../support/scripted-cell.ts";

export const CALLS: Grant = { permission: "services.call", resource: "**" };
export const KEEPS: Grant = { permission: "services.durable", resource: "**" };

export interface Sent {
  readonly to: string;
  readonly text: string | Bytes;
  readonly durable?: boolean;
  readonly id?: string;
}

export interface Given {
  /** What each plugin does; `serve` is the entry point of `<plugin>.x`, `act` of `<plugin>.act`. */
  readonly plugins: Readonly<Record<string, Script>>;
  readonly grants?: Readonly<Record<string, readonly Grant[]>>;
  readonly definitions?: Readonly<Record<string, Partial<PluginDefinition>>>;
  readonly options?: unknown;
  readonly kept?: Partial<EventLogOptions>;
  readonly guards?: (clock: FakeClock) => readonly Guard[];
  isKnown?(plugin: string): boolean;
  isAccepted?(plugin: string): boolean;
}

export interface World {
  readonly host: Host;
  readonly clock: FakeClock;
  readonly log: MemoryLog;
  readonly sends: Sends;
  readonly kept: () => Promise<EventLog>;
  /** Lets a plugin send in a turn of its own; answers the id, or rejects as its `services.send` did. */
  readonly from: (plugin: string, sent: Sent) => Promise<string>;
  readonly rest: (ms?: number) => Promise<void>;
}

/** What `services.send` answers within a turn. */
export async function send(turn: Turn, { to, text, durable = false, id }: Sent): Promise<string> {
  const payload = typeof text === "string" ? utf8(text) : text;
  const options = utf8(JSON.stringify({ durable, ...(id === undefined ? {} : { id }) }));
  // The first byte says that it is an answer.
  return textOf((await turn.answer("services.send", [utf8(to), payload, options])).subarray(1));
}

export async function world(given: Given): Promise<World> {
  const clock = fakeClock();
  const log = memoryLog();
  const options = sendOptions.parse(given.options ?? {}) as SendOptions;
  const wanted = new Map<string, Sent>();
  const answers = new Map<string, PromiseSettledResult<string>>();
  const act = async (_input: Bytes, turn: Turn): Promise<undefined> => {
    const sent = wanted.get(turn.plugin);
    if (sent === undefined) return;
    const [answer] = await Promise.allSettled([send(turn, sent)]);
    if (answer !== undefined) answers.set(turn.plugin, answer);
  };
  const scripts: Record<string, Script> = Object.fromEntries(
    Object.entries(given.plugins).map(([name, script]) => [name, { act, ...script }]),
  );
  const host: Host = new Host(
    hostPorts({
      ...{ clock, log, blocks: blockCodec },
      guards: given.guards?.(clock) ?? [],
      capabilities: sendFunctions({
        send: (message, isDurable) => sends.send(message, isDurable),
        rateOf: (name) => host.plugin(name)?.publishing,
      }),
    }),
  );
  const sends = new Sends({
    ...{ clock, log, options, core: () => host },
    isKnown: given.isKnown ?? (() => false),
    isAccepted: given.isAccepted ?? (() => true),
    openLog: () => memory.open({ clock, log, dataDir: "" }, eventLogOptions.parse(given.kept ?? {})),
  });
  sends.follow();
  const cell = scriptedCell(scripts);
  for (const [name, script] of Object.entries(scripts)) {
    const { grants = [CALLS, KEEPS] } = { grants: given.grants?.[name] };
    const services = ["serve", "act"].filter((one) => script[one] !== undefined);
    host.add(
      definition(name, script, {
        services: services.map((entryPoint) => ({ name: `${name}.${entryPoint === "serve" ? "x" : "act"}`, entryPoint })),
        permissions: [CALLS, KEEPS].map((grant) => ({ ...grant, reason: "to send" })),
        grants: grants ?? [],
        ...given.definitions?.[name],
      }),
      cell,
    );
    await host.start(name);
  }
  const rest = async (ms = 0): Promise<void> => {
    for (let i = 0; i < 12; i += 1) await settle();
    if (ms > 0) await clock.advance(ms);
    for (let i = 0; i < 12; i += 1) await settle();
  };
  return {
    ...{ host, clock, log, sends, rest },
    kept: () => sends.kept(),
    async from(plugin, sent) {
      wanted.set(plugin, sent);
      answers.delete(plugin);
      const call = { service: `${plugin}.act`, payload: new Uint8Array(0), caller: { kind: "adapter", name: "test" } as const };
      await host.services.call({ ...call, traceparent: `00-${"1".repeat(32)}-${"1".repeat(16)}-01` });
      const answer = answers.get(plugin);
      if (answer?.status === "fulfilled") return answer.value;
      throw answer?.reason;
    },
  };
}
