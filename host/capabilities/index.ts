// The capabilities that there are: what each brings is known at once, its code is loaded when it is configured.

import { OWN_NEEDS } from "../core/host-functions.ts";
import type { Permission } from "../core/types.ts";
import type { CapabilityRow } from "../seams.ts";
import { CRYPTO_PERMISSIONS } from "./crypto/permissions.ts";
import { HTTP_PERMISSIONS } from "./http/permissions.ts";

export const CAPABILITIES: Readonly<Record<string, CapabilityRow>> = {
  http: {
    permissions: HTTP_PERMISSIONS,
    needs: { "http.fetch": "http.fetch", "http.fetch-with": "http.fetch" },
    load: async () => (await import("./http/capability.ts")).http,
  },
  crypto: {
    permissions: CRYPTO_PERMISSIONS,
    needs: {
      "crypto.password-hash": undefined,
      "crypto.password-verify": undefined,
      "crypto.sign": "keys.sign",
      "crypto.public-key": "keys.sign",
      "crypto.public-keys": "keys.sign",
    },
    load: async () => (await import("./crypto/capability.ts")).crypto,
  },
};

/** Of functions that every host answers, beyond the core's own. */
export const ALWAYS_NEEDS: ReadonlyMap<string, Permission> = new Map([["services.send", "services.call"]]);

/** What a function of wit/ needs to be granted before it does anything; undefined for what touches only the plugin's own things. */
export function needsOf(functionName: string): Permission | undefined {
  const ofCapabilities = Object.values(CAPABILITIES).flatMap(({ needs }) => Object.entries(needs));
  return OWN_NEEDS.get(functionName) ?? ALWAYS_NEEDS.get(functionName) ?? new Map(ofCapabilities).get(functionName);
}
