// How the gate asks the plugin that the operator has named in auth.plugin: as the host, and only one that has a process of its own.

import type { Stores } from "../admin/stores.ts";
import { HostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { Clock } from "../core/ports/clock.ts";
import { startTrace } from "../core/trace.ts";
import type { Caller } from "../core/types.ts";
import { Authenticator } from "../gate/authenticator.ts";
import type { AuthPlugin } from "../manifest/auth.ts";
import type { Authenticating } from "../manifest/authenticate.ts";
import type { Catalog } from "../seams.ts";

export interface AuthenticatingPorts {
  readonly core: Host;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly stores: Pick<Stores, "settingsOf">;
  tell(message: string, cause: unknown): void;
}

const GATE: Caller = Object.freeze({ kind: "host", name: "gate" });

export function authenticatorOf(options: AuthPlugin, { core, catalog, clock, stores, tell }: AuthenticatingPorts): Authenticator {
  const { name } = options;
  return new Authenticator({
    ...{ clock, options, tell },
    section: () => catalog.contributions("authenticate").find(({ plugin }) => plugin === name)?.section as Authenticating | undefined,
    async call(service, payload, timeoutMs) {
      const settings = stores.settingsOf(name);
      // Whoever shares its memory would see what people type.
      if (settings !== undefined && (settings.isolation !== "process" || settings.cell !== undefined))
        throw new HostError("conflict", `plugins.${name} needs isolation process and no cell that it shares`);
      return core.services.call({ service, payload, timeoutMs, caller: GATE, traceparent: startTrace() });
    },
  });
}
