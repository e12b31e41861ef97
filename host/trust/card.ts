// What a version can do, in the host's words: computed from what it may ask for at all, never from what its author says of it. And what makes one name look like
// another.

import { soundsSecret } from "../bounds/shown-value.ts";
import type { PermissionRequest } from "../core/types.ts";
import type { Manifest } from "../manifest/manifest.ts";

/** Each line is a sentence that continues "It". */
export interface Card {
  /** What of others it comes to know. */
  readonly sees: readonly string[];
  /** What of others it changes. */
  readonly changes: readonly string[];
  /** Where it can talk to beyond the host. */
  readonly reaches: readonly string[];
  /** What of it is most worth stealing and could leave by `reaches`. */
  readonly couldSendAway: readonly string[];
}

const MAX_LINES = 256;
const SEES: Readonly<Record<string, string>> = {
  "events.subscribe": "sees the events",
  "state.read": "reads the state",
  "extensions.answer": "sees what is asked at",
  "host.observe": "sees the turns and calls of",
  "secrets.read": "fills in the secret",
};
const CHANGES: Readonly<Record<string, string>> = {
  "events.publish": "publishes",
  "events.durable": "keeps on disk the events",
  "services.call": "calls",
  "services.durable": "keeps on disk what it sends to",
  "state.write": "writes the state",
  "extensions.ask": "asks everybody at",
  "functions.call": "calls functions of the program that need",
  "keys.sign": "signs with its key",
};
const REACHES: Readonly<Record<string, string>> = {
  "http.fetch": "talks to",
  "http.private": "talks to addresses that are not public, in",
};

export function cardOf(manifest: Manifest): Card {
  const { permissions, services, contributes } = manifest;
  const lines = (words: Readonly<Record<string, string>>): string[] =>
    permissions.flatMap(({ permission, resource }) => (words[permission] === undefined ? [] : [`${words[permission]} ${resource}`]));
  const reaches = lines(REACHES);
  const authenticates = Object.hasOwn(contributes, "authenticate") ? ["sees what people show to come in"] : [];
  const settings = secretSettings(manifest).map((key) => `is told the setting ${key}`);
  const offered = Object.keys(services).length === 0 ? [] : ["sees what is sent to its services"];
  const secrets = permissions.filter(isSecret).map(({ resource }) => `fills in the secret ${resource}`);
  return {
    sees: [...lines(SEES), ...offered, ...settings, ...authenticates].slice(0, MAX_LINES),
    changes: lines(CHANGES),
    reaches,
    couldSendAway: reaches.length === 0 ? [] : [...secrets, ...settings, ...authenticates],
  };
}

const isSecret = ({ permission }: PermissionRequest): boolean => permission === "secrets.read";

/** Settings whose names sound like something to be kept to oneself. */
function secretSettings({ config }: Manifest): readonly string[] {
  if (typeof config !== "object" || config === null || !("properties" in config)) return [];
  const { properties } = config;
  return typeof properties === "object" && properties !== null ? Object.keys(properties).filter(soundsSecret) : [];
}
