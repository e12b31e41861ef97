// Counts measurements: the one scenario that every SDK implements (plugins/counter/README.md).

import { clock, config, type Event, events, extensions, Failure, HostError, log, plugin, random, services, state, storage } from "@bulkhead/sdk";

const LAST_LIVES_MS = 60_000;
const SURVEY_MS = 2_000;

interface Measured {
  readonly sensor: string;
  readonly value: number;
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

/** How many were counted, and the last as it is stored. */
function stored(): { count: number; last: unknown } {
  const [count, last] = storage.getMany(["count", "last"]);
  return { count: count === undefined ? 0 : Number(text(count)), last: last === undefined ? null : JSON.parse(text(last)) };
}

/** The code of the refusal that `work` meets. */
function refused(work: () => void): HostError {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof HostError) return thrown;
    throw thrown;
  }
  throw new Failure("nothing was denied");
}

export const entryPoints = plugin({
  onLoad: () => log.write("debug", "counter loaded"),
  events: {
    on_measured({ data: { sensor, value } }: Event<Measured>) {
      const count = stored().count + 1;
      storage.apply([
        { key: "count", value: bytes(String(count)) },
        { key: "last", value: bytes({ sensor, value }), ttlMs: LAST_LIVES_MS },
        { key: "stale" },
      ]);
      events.publish("counter.counted", "application/json", bytes({ count, sensor }));
      log.write("info", `greeter said: ${text(services.call("greeter.greet", bytes(sensor)))}`);
    },
  },
  services: {
    read: () => stored(),
    environment() {
      const first = clock.monotonic();
      const [one, other] = [random.bytes(16), random.bytes(16)];
      const { kind, name } = services.currentCaller();
      return {
        unit: config.get("unit") ?? null,
        now: clock.now() > 1_600_000_000_000,
        monotonic: clock.monotonic() >= first,
        random: one.length === 16 && other.length === 16 && one.some((byte, i) => byte !== other[i]),
        caller: `${kind}:${name}`,
      };
    },
    denied() {
      const call = refused(() => services.call("vault.open", bytes("")));
      const set = refused(() => state.set("vault.key", bytes("x")));
      log.write("warning", call.message);
      return [call.code, set.code];
    },
    survey(request) {
      const answers = extensions.ask("lab.greeting", request.bytes, SURVEY_MS);
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
});
