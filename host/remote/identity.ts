// Who a peer has shown to be: the plugin that its token or its certificate is for.

import { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { isPluginName } from "../core/names.ts";

const SAN = /^URI:bulkhead:\/\/plugin\/([a-z][a-z0-9-]{0,62})$/;
const BEARER = /^bearer +(bhr_[A-Za-z0-9_-]{1,128})$/i;

/** The token of a header `authorization`. */
export const tokenOf = (authorization: string): string | undefined => BEARER.exec(authorization)?.[1];

/** Of a certificate that the configuration's authority has signed, and that is for one plugin. */
export function certifiedPlugin(socket: Socket | undefined): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const { raw } = socket.getPeerCertificate();
  if (raw === undefined) return undefined;
  const names = (new X509Certificate(raw).subjectAltName ?? "").split(", ").flatMap((name) => SAN.exec(name)?.[1] ?? []);
  const [name] = names;
  return names.length === 1 && name !== undefined && isPluginName(name) ? name : undefined;
}
