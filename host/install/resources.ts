// What the resource of each permission looks like, and how one is matched. Every matcher is linear in the length of what it is asked about.

import { HostError } from "../core/errors.ts";
import { compilePattern, type Matcher, printable } from "../core/names.ts";
import type { Permission } from "../core/permissions.ts";

const MAX_RESOURCE_LENGTH = 512;
const COMPILERS: { readonly [P in Permission]: (resource: string) => Matcher } = {
  "events.publish": compilePattern,
  "events.subscribe": compilePattern,
  "services.call": compilePattern,
  "state.read": compilePattern,
  "state.write": compilePattern,
};

export const PERMISSIONS: readonly Permission[] = Object.keys(COMPILERS) as Permission[];

/** Throws HostError `invalid-message` for a resource that the permission does not have. */
export function compileResource(permission: Permission, resource: string): Matcher {
  if (resource.length > MAX_RESOURCE_LENGTH) throw malformed(resource, `write at most ${MAX_RESOURCE_LENGTH} characters`);
  return COMPILERS[permission](resource);
}

function malformed(resource: string, remedy: string): HostError {
  return new HostError("invalid-message", `"${printable(resource)}" is no resource of this permission; ${remedy}`);
}
