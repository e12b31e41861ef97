// How a door that listens speaks TLS, with a certificate that may be renewed while it does.

import type { SecureContextOptions, TlsOptions, Server as TlsServer } from "node:tls";
import type { Certificate, Tls } from "../../seams.ts";

// Whoever shows no certificate may show a token; whether one was signed by the right authority stands in `socket.authorized`.
export function secureOptions({ cert, key, clientCa }: Certificate): SecureContextOptions & TlsOptions {
  return {
    cert,
    key,
    minVersion: "TLSv1.2",
    ...(clientCa !== undefined && { ca: clientCa, requestCert: true, rejectUnauthorized: false }),
  };
}

/** Connections from then on get a new certificate; those that are open live on. Returns its undo. */
export const followCertificate = (server: TlsServer, tls: Tls): (() => void) =>
  tls.onChange((certificate) => server.setSecureContext(secureOptions(certificate)));
