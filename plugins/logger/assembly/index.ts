// The logger plugin: other plugins log through it, with a filter that the operator sets, and people look at the last entries.

import { Json, JsonKind, Nothing, Outcome, Result, clock, config, fail, log, ok, refuse, service, services } from "@bulkhead/assemblyscript";
import { Entry, LEVELS, find, keep, rank } from "./entries";

const DEFAULT_KEEP: i32 = 1_000;
const MAX_KEEP: i32 = 10_000;
const DEFAULT_LIMIT: i32 = 100;
const MAX_MESSAGE_LENGTH = 8_000;
const MAX_FIELDS_BYTES = 8_000;

@json
class LogRequest {
  level!: string;
  message!: string;
  fields: Json | null = null;
}

@json
class Query {
  level: string = "DEBUG";
  contains: string = "";
  source: string = "";
  // plugin.json says how large it may be.
  limit: i32 = DEFAULT_LIMIT;
}

@json
class Found {
  constructor(readonly entries: Entry[] = []) {}
}

class Settings {
  constructor(
    readonly leastLevel: i32,
    readonly keep: i32,
  ) {}
}

export function log_entry(): i32 {
  return service<LogRequest, Nothing>((request) => {
    const level = rank(request.level);
    if (level < 0) return refuse<Nothing>("invalid-input", noLevel("level", request.level));
    if (request.message.length > MAX_MESSAGE_LENGTH) {
      return refuse<Nothing>("invalid-input", `the message has ${request.message.length} characters; the limit is ${MAX_MESSAGE_LENGTH}`);
    }
    const fields = request.fields;
    if (fields !== null && (fields.kind != JsonKind.Object || fields.end - fields.start > MAX_FIELDS_BYTES)) {
      return refuse<Nothing>("invalid-input", `fields must be an object of at most ${MAX_FIELDS_BYTES} bytes`);
    }
    const settings = readSettings();
    if (!settings.isOk) return settings.failure<Nothing>();
    if (level < settings.value.leastLevel) return ok(new Nothing());

    const entry = new Entry();
    entry.time = new Date(<i64>clock.now()).toISOString();
    entry.level = LEVELS[level];
    entry.source = services.currentCaller().name;
    entry.message = request.message;
    // The request's bytes would stay in memory as long as a view into them.
    if (fields !== null) entry.fields = Json.of<Json>(fields);
    keep(entry, level, settings.value.keep);
    return write(level, entry);
  });
}

export function query(): i32 {
  return service<Query, Found>((request) => {
    const level = rank(request.level);
    if (level < 0) return refuse<Found>("invalid-input", noLevel("level", request.level));
    return ok(new Found(find(level, request.contains, request.source, request.limit)));
  });
}

/** A line says its source first: to the host every line comes from this plugin. */
function write(level: i32, entry: Entry): Outcome {
  const fields = entry.fields;
  const line = `[${entry.source}] ${entry.message}` + (fields === null ? "" : " " + fields.toString());
  if (level == 0) return log.debug(line);
  if (level == 1) return log.info(line);
  return level == 2 ? log.warning(line) : log.error(line);
}

function readSettings(): Result<Settings> {
  const level = config.get("level");
  if (!level.isOk) return level.failure<Settings>();
  const keep = config.get("keep");
  if (!keep.isOk) return keep.failure<Settings>();
  const levelText = level.value;
  const leastLevel = levelText === null ? 1 : rank(levelText);
  if (leastLevel < 0) return fail<Settings>(noLevel("the configured level", levelText === null ? "" : levelText));
  const keepText = keep.value;
  if (keepText === null) return ok(new Settings(leastLevel, DEFAULT_KEEP));
  const most = Json.parse<i32>(keepText);
  if (!most.isOk || most.value < 1 || most.value > MAX_KEEP) {
    return fail<Settings>(`the configured keep must be a whole number from 1 to ${MAX_KEEP}, not ${keepText}`);
  }
  return ok(new Settings(leastLevel, most.value));
}

function noLevel(what: string, given: string): string {
  return `${what} must be DEBUG, INFO, WARNING or ERROR, not "${given.substring(0, 40)}"`;
}
