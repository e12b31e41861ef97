// The permissions that there are, the core's own and those of capabilities, and what the resource of each looks like: a grant matches where it is certain, a
// denial also in doubt.

import { CAPABILITIES } from "../capabilities/index.ts";
import { HostError } from "../core/errors.ts";
import { compilePattern, type Matcher, printable } from "../core/names.ts";
import { malformedResource } from "../core/permissions.ts";
import type { Effect, Grant, Permission } from "../core/types.ts";
import type { PermissionKind } from "../seams.ts";

const MAX_RESOURCE_LENGTH = 512;
const NAMES: PermissionKind = { compile: compilePattern };
/** For functions of the program that the host is part of; the resource is the permission that the program names for each. */
export const FUNCTIONS_CALL = "functions.call";
/** What the core itself asks for and a pattern of names says all about. */
const OWN = ["events.publish", "events.subscribe", "services.call", "state.read", "state.write", "extensions.ask"];

const KINDS: ReadonlyMap<Permission, PermissionKind> = new Map([
  ...OWN.map((name) => [name, NAMES] as const),
  ["events.durable", { ...NAMES, meaning: () => "keeps these events on disk; who publishes them waits for the disk" }],
  ["services.durable", { ...NAMES, meaning: () => "keeps what it sends to these services on disk until they have handled it" }],
  ["extensions.answer", { ...NAMES, meaning: (point) => `receives what ${ownersOf(point)} sends` }],
  [FUNCTIONS_CALL, { ...NAMES, meaning: () => "calls functions of the program that the host is part of" }],
  [
    "host.observe",
    {
      ...NAMES,
      meaning: (plugins) =>
        `sees which turns, calls and events of ${plugins} there are, how long they take and how they end; not what they say`,
    },
  ],
  ...Object.values(CAPABILITIES).flatMap(({ permissions }) => Object.entries(permissions)),
]);

export const PERMISSIONS: readonly Permission[] = [...KINDS.keys()];

function kindOf(permission: Permission): PermissionKind {
  const kind = KINDS.get(permission);
  if (kind !== undefined) return kind;
  throw new HostError("invalid-message", `"${printable(permission)}" is no permission; there are ${PERMISSIONS.join(", ")}`);
}

/** Throws HostError `invalid-message` for a resource that the permission does not have. */
export function compileResource(permission: Permission, resource: string, effect: Effect = "allow"): Matcher {
  if (resource.length > MAX_RESOURCE_LENGTH) throw malformedResource(resource, `write at most ${MAX_RESOURCE_LENGTH} characters`);
  return kindOf(permission).compile(resource, effect);
}

/** What granting it means beyond its name, in words; undefined where the name says all. */
export const meaningOf = (permission: Permission, resource: string): string | undefined => KINDS.get(permission)?.meaning?.(resource);

/** Which of these points none of the requests or grants speaks of: a plugin is never asked there. */
export function unansweredBy(points: readonly string[], grants: readonly Grant[]): readonly string[] {
  const answering = grants.filter(({ permission }) => permission === "extensions.answer");
  return points.filter((point) => !answering.some(({ resource, effect }) => covers("extensions.answer", resource, point, effect)));
}

/** Who declares the points of a pattern: whose name stands first. */
function ownersOf(pattern: string): string {
  const [first = ""] = pattern.split(".");
  return first.includes("*") ? "anybody" : first;
}

/** Names of a pattern that only an equal or wider pattern matches: something stands in for each wildcard. */
function namesUnder(permission: Permission, pattern: string): readonly string[] {
  return kindOf(permission).namesUnder?.(pattern) ?? [pattern.replaceAll("**", "x.x").replaceAll("*", "x")];
}

/** Whether one pattern, read as a name, falls under the other; good enough to show what belongs together, never to permit anything. `effect` is that of the grant among them. */
export function overlaps(permission: Permission, a: string, b: string, effect?: Effect): boolean {
  return a === b || covers(permission, a, b, effect) || covers(permission, b, a, effect);
}

/** Whether all that one pattern names falls under another one; `effect` is of the grant with that. */
export function covers(permission: Permission, pattern: string, other: string, effect?: Effect): boolean {
  const matches = compileResource(permission, pattern, effect);
  return namesUnder(permission, other).every((name) => matches(name));
}
