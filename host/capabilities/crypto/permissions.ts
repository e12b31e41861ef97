// What the resource of `keys.sign` looks like: the name of one key of the plugin that asks, letter by letter.

import { malformedResource } from "../../core/permissions.ts";
import type { PermissionKind } from "../../seams.ts";

const KEY_NAME = /^[a-z][a-z0-9-]{0,62}$/;

export const isKeyName = (name: string): boolean => KEY_NAME.test(name);

export const CRYPTO_PERMISSIONS: Readonly<Record<string, PermissionKind>> = {
  "keys.sign": {
    compile(resource) {
      if (!isKeyName(resource))
        throw malformedResource(resource, "write the name of a key: 1 to 63 lower-case letters, digits and hyphens, a letter first");
      return (name) => name === resource;
    },
    meaning: (name) =>
      `signs whatever it likes with a key "${name}" of its own, which the host keeps: who trusts that key trusts the plugin`,
  },
};
