// Counts measurements: the one scenario that every SDK implements (plugins/counter/README.md), as a process of its own.

import { clock, config, connect, type Event, events, extensions, Failure, HostError, log, random, services, state, storage } from "../../../plugin-sdk/remote-node/src/index.ts";

const LAST_LIVES_MS = 60_000;
const SURVEY_MS = 2_000;

interface Measured {
  readonly sensor: string;
  readonly value: number;
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

/** How many were counted, and the last as it is stored. */
async function stored(): Promise<{ count: number; last: unknown }> {
  const [count, last] = await storage.getMany(["count", "last"]);
  return { count: count === undefined ? 0 : Number(text(count)), last: last === undefined ? null : JSON.parse(text(last)) };
}

/** The refusal that `work` meets. */
async function refused(work: () => Promise<unknown>): Promise<HostError> {
  try {
    await work();
  } catch (thrown) {
    if (thrown instanceof HostError) return thrown;
    throw thrown;
  }
  throw new Failure("nothing was denied");
}

connect(
  {
    onLoad: () => log.write("debug", "counter loaded"),
    events: {
      async on_measured({ data: { sensor, value } }: Event<Measured>) {
        const count = (await stored()).count + 1;
        await storage.apply([
          { key: "count", value: bytes(String(count)) },
          { key: "last", value: bytes({ sensor, value }), ttlMs: LAST_LIVES_MS },
          { key: "stale" },
        ]);
        await events.publish("counter.counted", "application/json", bytes({ count, sensor }));
        await log.write("info", `greeter said: ${text(await services.call("greeter.greet", bytes(sensor)))}`);
      },
    },
    services: {
      read: stored,
      async environment() {
        const first = await clock.monotonic();
        const [one, other] = [await random.bytes(16), await random.bytes(16)];
        const { kind, name } = await services.currentCaller();
        return {
          unit: (await config.get("unit")) ?? null,
          now: (await clock.now()) > 1_600_000_000_000,
          monotonic: (await clock.monotonic()) >= first,
          random: one.length === 16 && other.length === 16 && one.some((byte, i) => byte !== other[i]),
          caller: `${kind}:${name}`,
        };
      },
      async denied() {
        const call = await refused(() => services.call("vault.open", bytes("")));
        const set = await refused(() => state.set("vault.key", bytes("x")));
        await log.write("warning", call.message);
        return [call.code, set.code];
      },
      async survey(request) {
        const answers = await extensions.ask("lab.greeting", request.bytes, SURVEY_MS);
        return answers.map(({ plugin, output }) => `${plugin}: ${text(output)}`).join("\n");
      },
      echo: (request) => request.bytes,
      greet: (request) => `Grüße, ${request.text()} 🌍 — 你好`,
      fail(request) {
        throw new Failure(`failed on purpose: ${request.text()}`);
      },
      crash() {
        throw new Error("crashed on purpose");
      },
    },
  },
  { manifest: new URL("plugin.json", import.meta.url) },
);
