// The grammar of names and of the patterns that match them. Everything is linear in the length of the name.

import { HostError } from "./errors.ts";

const PLUGIN_NAME = /^[a-z][a-z0-9-]{0,62}$/;
const DOTTED_NAME = /^[a-z][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+$/;
const STATE_KEY = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;
const PATTERN = /^(\*|[A-Za-z0-9_-]+)(\.(\*|[A-Za-z0-9_-]+))*(\.\*\*)?$/;
const MAX_DOTTED_LENGTH = 255;

/** Names that the host uses itself, as a log source or as the first segment of an HTTP path. */
const RESERVED: ReadonlySet<string> = new Set(["host", "v1", "healthz", "livez", "readyz", "metrics", "admin"]);

/** True for 1 to 63 lower-case letters, digits and hyphens that begin with a letter and are not reserved. */
export function isPluginName(name: string): boolean {
  return PLUGIN_NAME.test(name) && !RESERVED.has(name);
}

/** True for an event type or service name: two or more kebab-case segments joined by dots, at most 255 characters. */
export function isDottedName(name: string): boolean {
  return name.length <= MAX_DOTTED_LENGTH && DOTTED_NAME.test(name);
}

/** True for a key of the shared state: segments of letters, digits, `_` and `-` joined by dots, at most 255 characters. */
export function isStateKey(key: string): boolean {
  return key.length <= MAX_DOTTED_LENGTH && STATE_KEY.test(key);
}

/** True for a dotted pattern: `*` stands for one segment, a last `**` for one or more; `**` alone matches every name. */
export function isPattern(pattern: string): boolean {
  return pattern === "**" || (pattern.length <= MAX_DOTTED_LENGTH && PATTERN.test(pattern));
}

export type Matcher = (name: string) => boolean;

/** Compiles a pattern. Throws HostError `invalid-message` for one that is not well-formed. */
export function compilePattern(pattern: string): Matcher {
  if (!isPattern(pattern)) {
    throw new HostError("invalid-message", `"${printable(pattern)}" is no pattern; write segments, * for one, a last ** for more`);
  }
  const segments = pattern.split(".");
  const deep = segments.at(-1) === "**";
  if (deep) segments.pop();
  if (!segments.includes("*")) return deep ? (name) => name.startsWith(pattern.slice(0, -2)) : (name) => name === pattern;
  return (name) => {
    const parts = name.split(".");
    if (deep ? parts.length <= segments.length : parts.length !== segments.length) return false;
    return segments.every((segment, i) => segment === "*" || segment === parts[i]);
  };
}

/** True when `name` lies below the plugin's own prefix, which publishing and providing imply. */
export function isOwnName(plugin: string, name: string): boolean {
  return name.startsWith(`${plugin}.`);
}

/** A stranger's text made fit for a message: what does not show escaped, at most 80 characters. */
export function printable(text: string): string {
  const cut = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return escapeControls(cut).replaceAll('"', '\\"');
}

/** Controls, line separators, what turns the direction of text, and what takes no room; not the selector that an emoji is written with, after one. */
export const UNSEEN: RegExp = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}](?<!\p{Extended_Pictographic}\ufe0f)/gu;

/** Replaces what does not show by `\u{…}`, so that a line stays a line and says what it seems to say. */
export function escapeControls(text: string): string {
  return text.replace(UNSEEN, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
