// What a request shows to be known by, and where it comes from.

import type { IncomingHttpHeaders } from "node:http";
import type { Credentials } from "../../seams.ts";

const BEARER = /^bearer +([\x21-\x7e]{1,16384})$/i;
/** What a proxy adds: the address is the proxy's then, and says nothing of who calls. */
const PASSED_ON: readonly string[] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

interface Shown {
  readonly headers: IncomingHttpHeaders;
  /** Of the connection. */
  readonly remoteAddress: string | undefined;
}

export function credentialsOf({ headers, remoteAddress }: Shown): Credentials {
  const from = { address: remoteAddress, isPassedOn: PASSED_ON.some((name) => headers[name] !== undefined) };
  const [, token] = BEARER.exec(headers.authorization ?? "") ?? [];
  return token === undefined ? { kind: "none", from } : { kind: "bearer", token, from };
}
