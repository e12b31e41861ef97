// Counts measurements: the one scenario that every SDK implements (plugins/counter/README.md).

import {
  Json,
  Nothing,
  clock,
  config,
  done,
  event,
  events,
  extensions,
  fail as failed,
  lifecycle,
  log,
  ok,
  random,
  rawService,
  service,
  services,
  state,
  storage,
  textService,
} from "@bulkhead/assemblyscript";

const LAST_LIVES_MS: u64 = 60_000;
const SURVEY_MS: u32 = 2_000;
const EARLIEST_MS: u64 = 1_600_000_000_000;

@json
class Measured {
  sensor!: string;
  value!: Json;
}

@json
class Counted {
  constructor(
    public count: u64 = 0,
    public sensor: string = "",
  ) {}
}

@json
class Reading {
  count: u64 = 0;
  last: Json | null = null;
}

@json
class Environment {
  unit: string | null = null;
  now: bool = false;
  monotonic: bool = false;
  random: bool = false;
  caller: string = "";
}

function text(bytes: Uint8Array): string {
  return String.UTF8.decodeUnsafe(bytes.dataStart, bytes.byteLength);
}

/** How many were counted, and the last as it is stored. */
function stored(): Reading {
  const values = storage.getMany(["count", "last"]).value;
  const found = new Reading();
  const count = values[0];
  const last = values[1];
  if (count !== null) found.count = U64.parseInt(text(count));
  if (last !== null) found.last = Json.parse<Json>(text(last)).value;
  return found;
}

export function on_load(): i32 {
  return lifecycle(() => log.debug("counter loaded"));
}

export function on_measured(): i32 {
  return event<Measured>((_event, measured) => {
    const counted = new Counted(stored().count + 1, measured.sensor);
    const saved = storage.apply([
      storage.Change.setText("count", counted.count.toString()),
      storage.Change.setJson<Measured>("last", measured, LAST_LIVES_MS),
      storage.Change.remove("stale"),
    ]);
    if (!saved.isOk) return saved;
    const published = events.publish<Counted>("counter.counted", counted);
    if (!published.isOk) return published.failure<Nothing>();
    const greeting = services.callRaw("greeter.greet", Uint8Array.wrap(String.UTF8.encode(measured.sensor)));
    if (!greeting.isOk) return greeting.failure<Nothing>();
    return log.info("greeter said: " + text(greeting.value));
  });
}

export function read(): i32 {
  return service<Nothing, Reading>(() => ok(stored()));
}

export function environment(): i32 {
  return service<Nothing, Environment>(() => {
    const answer = new Environment();
    const first = clock.monotonic();
    const one = random.bytes(16).value;
    const other = random.bytes(16).value;
    const caller = services.currentCaller();
    answer.unit = config.get("unit").value;
    answer.now = <u64>clock.now() > EARLIEST_MS;
    answer.monotonic = clock.monotonic() >= first;
    let same = true;
    for (let i = 0; i < 16; i++) if (one[i] != other[i]) same = false;
    answer.random = one.length == 16 && other.length == 16 && !same;
    answer.caller = caller.kind + ":" + caller.name;
    return ok(answer);
  });
}

export function denied(): i32 {
  return service<Nothing, string[]>(() => {
    const call = services.callRaw("vault.open", new Uint8Array(0));
    const set = state.setText("vault.key", "x");
    if (call.isOk || set.isOk) return failed<string[]>("nothing was denied");
    log.warning(call.error.message);
    return ok([call.error.code, set.error.code]);
  });
}

export function survey(): i32 {
  return textService((name) => {
    const asked = extensions.askRaw("lab.greeting", Uint8Array.wrap(String.UTF8.encode(name)), SURVEY_MS);
    if (!asked.isOk) return asked.failure<string>();
    return ok(asked.value.map<string>((answer) => answer.plugin + ": " + answer.text()).join("\n"));
  });
}

export function echo(): i32 {
  return rawService((bytes) => ok(bytes));
}

export function greet(): i32 {
  return textService((name) => ok(`Grüße, ${name} 🌍 — 你好`));
}

export function fail(): i32 {
  return textService((input) => failed<string>("failed on purpose: " + input));
}

export function crash(): i32 {
  return textService((_input) => {
    throw new Error("crashed on purpose");
  });
}
