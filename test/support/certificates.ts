// Certificates for tests, made by openssl.

import { execFileSync, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What is missing for it, in words; undefined when it is there. */
export const missingOpenssl: string | undefined = spawnSync("openssl", ["version"]).status === 0 ? undefined : "openssl is not installed";

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  read(): { readonly cert: Buffer; readonly key: Buffer };
}

export interface Authority {
  /** The file of its own certificate, and what is in it. */
  readonly ca: string;
  readonly pem: Buffer;
  /** `uri` is another name of whom it is for. */
  issue(commonName: string, uri?: string): CertificateFiles;
}

const openssl = (...args: readonly string[]): void => {
  execFileSync("openssl", [...args], { stdio: ["ignore", "ignore", "pipe"] });
};
const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"] as const;

export function authority(parent: string, name: string): Authority {
  const folder = join(parent, `authority-${name}`);
  mkdirSync(folder);
  const [ca, caKey] = [join(folder, "ca.pem"), join(folder, "ca.key")];
  openssl("req", "-x509", ...KEY, "-keyout", caKey, "-out", ca, "-days", "2", "-subj", `/CN=${name}`);
  return {
    ca,
    pem: readFileSync(ca),
    issue(commonName, uri) {
      const stem = join(folder, randomUUID());
      const [cert, key, request] = [`${stem}.pem`, `${stem}.key`, `${stem}.csr`];
      openssl(
        "req",
        ...KEY,
        "-keyout",
        key,
        "-out",
        request,
        "-subj",
        `/CN=${commonName}`,
        "-addext",
        `subjectAltName=DNS:${commonName}${uri === undefined ? "" : `,URI:${uri}`}`,
      );
      openssl(
        "x509",
        "-req",
        "-in",
        request,
        "-CA",
        ca,
        "-CAkey",
        caKey,
        "-CAcreateserial",
        "-days",
        "1",
        "-copy_extensions",
        "copy",
        "-out",
        cert,
      );
      return { cert, key, read: () => ({ cert: readFileSync(cert), key: readFileSync(key) }) };
    },
  };
}
