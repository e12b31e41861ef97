// The debug plugin: a line and a count for every event and call that it may see. Names and times only; the host tells it nothing of what was said.

import { Nothing, Outcome, Result, config, done, event, log, ok, rawEvent, service } from "@bulkhead/assemblyscript";
import { Row, add, countMissed, countOthers, missed, mostFrequent, others } from "./rows";

const DEFAULT_LIMIT: i32 = 100;
const OK = "ok";

@json
class Count {
  kind!: string;
  plugin!: string;
  name!: string;
  code!: string;
  count: i32 = 0;
  ms: f64 = 0;
  cpuMs: f64 = 0;
}

@json
class Step {
  kind!: string;
  plugin!: string;
  name!: string;
  code!: string;
  ms: f64 = 0;
  traceId!: string;
}

@json
class Observed {
  counts!: Count[];
  steps!: Step[];
  others: i32 = 0;
  missed: i32 = 0;
}

@json
class Query {
  plugin: string = "";
  // plugin.json says how large it may be.
  limit: i32 = DEFAULT_LIMIT;
}

@json
class Report {
  constructor(
    readonly rows: Row[] = [],
    readonly others: i32 = 0,
    readonly missed: i32 = 0,
  ) {}
}

export function on_event(): i32 {
  return rawEvent((event) => {
    const lines = wanted();
    if (!lines.isOk) return lines.failure<Nothing>();
    add("heard", ownerOf(event.type), event.type, OK, 1, 0, 0);
    return lines.value == "all" ? log.info(`event ${event.type} of ${event.source}`) : done();
  });
}

export function on_observed(): i32 {
  return event<Observed>((_event, observed) => {
    const lines = wanted();
    if (!lines.isOk) return lines.failure<Nothing>();
    for (let i = 0; i < observed.counts.length; i++) {
      const seen = observed.counts[i];
      add(seen.kind, seen.plugin, seen.name, seen.code, seen.count, seen.ms, seen.cpuMs);
    }
    countOthers(observed.others);
    countMissed(observed.missed);
    if (lines.value == "none") return done();
    for (let i = 0; i < observed.steps.length; i++) {
      const step = observed.steps[i];
      if (step.code == OK && lines.value != "all") continue;
      const written = write(step);
      if (!written.isOk) return written;
    }
    return done();
  });
}

export function report(): i32 {
  return service<Query, Report>((query) => ok(new Report(mostFrequent(query.plugin, query.limit), others(), missed())));
}

function write(step: Step): Outcome {
  const line = `${step.kind} ${step.plugin} ${step.name}: ${step.code} in ${step.ms.toString()} ms, trace ${step.traceId}`;
  return step.code == OK ? log.info(line) : log.warning(line);
}

function wanted(): Result<string> {
  const lines = config.get("lines");
  if (!lines.isOk) return lines.failure<string>();
  const text = lines.value;
  return ok<string>(text === null ? "failed" : text);
}

function ownerOf(type: string): string {
  const dot = type.indexOf(".");
  return dot < 0 ? type : type.substring(0, dot);
}
