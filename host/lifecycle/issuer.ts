// Opens what people log in with at an issuer, where the configuration names one.

import { ISSUER_PACKAGES, type IssuerClient, type IssuerClientPorts, openIssuerClient } from "../gate/issuer-client.ts";
import { LOGIN_DESTINATION } from "../manifest/auth.ts";
import type { Configuration } from "../manifest/configuration.ts";
import { openOurs } from "./foreign.ts";

/** Rejects with HostError `invalid-message` when the package is not installed, or the secret not kept, and the command that ends it. */
export async function openIssuer({ auth }: Configuration, ports: IssuerClientPorts): Promise<IssuerClient | undefined> {
  const { oidc } = auth;
  if (oidc === undefined) return undefined;
  return openOurs({ name: LOGIN_DESTINATION, packages: ISSUER_PACKAGES }, () => openIssuerClient(oidc, ports));
}
