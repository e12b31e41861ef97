// What is different in a configuration that was read anew, and what each difference takes to be in force: data, of two configurations, and nothing else.

import { isDeepStrictEqual } from "node:util";
import { shownValue } from "../bounds/shown-value.ts";
import type { Configuration } from "./configuration.ts";

export type Effect =
  | "at once"
  | "adds the plugin"
  | "removes the plugin"
  | "restarts the plugin"
  | "moves the plugin"
  | "restart of the host";

export interface ConfigurationChange {
  /** As it is written, such as `plugins.devices.grants`; names with dots are in quotes. */
  readonly key: string;
  readonly path: readonly string[];
  /** Whose section it is in. */
  readonly plugin?: string;
  readonly effect: Effect;
  /** What was there and what is, without what sounds like a secret; undefined for nothing. */
  readonly before: unknown;
  readonly after: unknown;
}

/** What is asked each time that it counts. Everything else outside of `plugins` is built in when the host starts. */
const AT_ONCE: readonly (readonly string[])[] = [
  ["drainMs"],
  ["shutdownDelayMs"],
  ["containment"],
  ["records"],
  ["registry"],
  ["trust"],
  ["install"],
  ["index"],
  ["events", "keep"],
  ...["roles", "groups", "certificates", "limits", "open"].map((key) => ["auth", key]),
  ["drivers", "log", "level"],
];
/** Of a plugin's section. */
const OF_PLUGIN: Readonly<Record<string, Effect>> = {
  grants: "at once",
  logLevel: "at once",
  required: "at once",
  isolation: "moves the plugin",
  cell: "moves the plugin",
  storage: "moves the plugin",
};

type Values = Readonly<Record<string, unknown>>;

/** In the order of the keys as they are written: those of the old one first. */
export function changesOf(now: Configuration, next: Configuration): ConfigurationChange[] {
  const [before, after] = [now, next].map(({ folder: _, ...written }) => written as Values);
  const [shownBefore, shownAfter] = [shownValue(before), shownValue(after)];
  return differences(before, after, []).map((path) => {
    const [first, name] = path;
    return {
      key: path.map((part) => (part.includes(".") ? JSON.stringify(part) : part)).join("."),
      path,
      ...(first === "plugins" && name !== undefined && { plugin: name }),
      effect: effectOf(path, now, next),
      before: valueAt(shownBefore, path),
      after: valueAt(shownAfter, path),
    };
  });
}

/** The new configuration as far as it can be in force without a restart of the host: what needs one is as it was. */
export function inForce(now: Configuration, next: Configuration, changes: readonly ConfigurationChange[]): Configuration {
  const waiting = changes.filter(({ effect }) => effect === "restart of the host");
  return waiting.reduce((made, { path }) => restored(made, now, path) as Configuration, next);
}

function effectOf(path: readonly string[], now: Configuration, next: Configuration): Effect {
  const [first, name = "", key] = path;
  if (first !== "plugins") return AT_ONCE.some((one) => one.every((part, i) => path[i] === part)) ? "at once" : "restart of the host";
  if (!Object.hasOwn(now.plugins, name)) return "adds the plugin";
  if (!Object.hasOwn(next.plugins, name)) return "removes the plugin";
  return OF_PLUGIN[key ?? ""] ?? "restarts the plugin";
}

/** A plugin that comes or goes is one difference, and so is a list. */
function differences(before: unknown, after: unknown, path: readonly string[]): string[][] {
  if (isDeepStrictEqual(before, after)) return [];
  const isWhole = path[0] === "plugins" && path.length === 2 && (before === undefined || after === undefined);
  if (isWhole || !isBranch(before ?? {}) || !isBranch(after ?? {})) return [[...path]];
  const [old, young] = [before ?? {}, after ?? {}] as [Values, Values];
  const found = [...new Set([...Object.keys(old), ...Object.keys(young)])].flatMap((key) =>
    differences(own(old, key), own(young, key), [...path, key]),
  );
  // A section that came or went with nothing in it.
  return found.length === 0 ? [[...path]] : found;
}

const isBranch = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);

const own = (values: Values, key: string): unknown => (Object.hasOwn(values, key) ? values[key] : undefined);

const valueAt = (value: unknown, path: readonly string[]): unknown =>
  path.reduce((found: unknown, key) => (isBranch(found) ? own(found as Values, key) : undefined), value);

/** A copy in which what is there is what was there; a section that has nothing else then is gone, if it was not there. */
function restored(next: unknown, now: unknown, [key, ...rest]: readonly string[]): unknown {
  if (key === undefined) return now;
  const { [key]: below, ...others } = (isBranch(next) ? next : {}) as Values;
  const before = isBranch(now) ? own(now as Values, key) : undefined;
  const made = restored(below, before, rest);
  const isGone = before === undefined && isBranch(made) && Object.values(Object(made)).every((value) => value === undefined);
  return made === undefined || isGone ? others : { ...others, [key]: made };
}
