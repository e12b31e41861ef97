// Makes the gate of a configuration, and the desk at which people log in; both follow when it changes.

import type { AccountPasswords } from "../admin/account-passwords.ts";
import { localActor } from "../admin/audit.ts";
import type { Stores } from "../admin/stores.ts";
import type { Host } from "../core/host.ts";
import type { PermissionPorts } from "../core/permissions.ts";
import type { Clock } from "../core/ports/clock.ts";
import { Gate } from "../gate/gate.ts";
import type { IssuerClient } from "../gate/issuer-client.ts";
import { LoginDesk } from "../gate/logins.ts";
import { authenticatorOf } from "./authenticating.ts";
import type { LiveCatalog } from "./catalog.ts";
import type { Reloader } from "./reload.ts";

export interface GateOpening {
  readonly core: Host;
  readonly catalog: LiveCatalog;
  readonly clock: Clock;
  readonly stores: Stores;
  readonly issuer: IssuerClient | undefined;
  readonly passwords: AccountPasswords;
  readonly reloader: Pick<Reloader, "onChange">;
  /** Told of what is refused. */
  readonly onDenial: PermissionPorts["onCheck"];
  readonly tell: (message: string, cause?: unknown) => void;
}

/** The gate is closed with `booting`. */
export function openGate(opening: GateOpening, booting: AsyncDisposableStack): { readonly gate: Gate; readonly logins: LoginDesk } {
  const { core, catalog, clock, stores, issuer, passwords, reloader, onDenial, tell } = opening;
  const { users, sessions, tokens, audit, configuration } = stores;
  const { auth } = configuration;
  const authenticator = auth.plugin && authenticatorOf(auth.plugin, { core, catalog, clock, stores, tell });
  const gate = new Gate({
    ...{ clock, auth, tokens, sessions, users, authenticator, operator: localActor(), onDenial, tell },
    isReadOnly: (service) => catalog.isReadOnly(service),
  });
  booting.defer(() => gate.close());
  const logins = new LoginDesk({ clock, auth, authenticator, issuer, users, sessions, passwords, audit, onDenial });
  reloader.onChange((next) => {
    gate.reconfigure(next.auth);
    logins.reconfigure(next.auth);
  });
  return { gate, logins };
}
