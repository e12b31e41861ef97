// The certificate with which the host's doors speak TLS: read when the host starts, and again when its files change, so that a renewed one needs no restart.

import { X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { HostError } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { LogSink } from "../core/ports/log.ts";
import type { TlsFiles } from "../manifest/configuration.ts";
import type { Certificate, Tls } from "../seams.ts";

const LOOK_MS = 10_000;

export interface TlsPorts {
  readonly clock: Clock;
  readonly log: LogSink;
}

/** Rejects with HostError `invalid-message` for files that cannot be read, or are none. */
export async function openTls(files: TlsFiles, { clock, log }: TlsPorts): Promise<Tls & Disposable> {
  let seen = await stampOf(files);
  let current = await read(files);
  let cancel = (): void => {};
  const listeners = new Set<(certificate: Certificate) => void>();
  const look = async (): Promise<void> => {
    const now = await stampOf(files);
    if (now === seen) return;
    seen = now;
    current = await read(files);
    for (const listener of listeners) listener(current);
    log.write({ level: "info", plugin: "host", message: `the certificate of ${files.cert} was read anew` });
  };
  const plan = (): void => {
    cancel = clock.after(LOOK_MS, () => {
      // Half of a pair that is being renewed, say: what was read last goes on.
      look()
        .catch((cause) => log.write({ level: "error", plugin: "host", message: "the new certificate is not used (tls)", cause }))
        .finally(plan);
    });
  };
  plan();
  return {
    current: () => current,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    [Symbol.dispose]() {
      cancel();
      cancel = () => {};
    },
  };
}

const named = (files: TlsFiles): readonly string[] => [files.cert, files.key, files.clientCa].filter((file) => file !== undefined);

async function stampOf(files: TlsFiles): Promise<string> {
  const stats = await Promise.all(named(files).map((file) => stat(file).catch(() => undefined)));
  return stats.map((one) => `${one?.mtimeMs} ${one?.ino} ${one?.size}`).join("\n");
}

async function read(files: TlsFiles): Promise<Certificate> {
  try {
    const [cert = Buffer.alloc(0), key = Buffer.alloc(0), clientCa] = await Promise.all(named(files).map((file) => readFile(file)));
    // Throws for a key of another certificate, and for what is none.
    createSecureContext({ cert, key, ca: clientCa });
    // What is no certificate would be taken for an authority that signs nothing.
    if (clientCa !== undefined) new X509Certificate(clientCa);
    return { cert, key, clientCa };
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new HostError("invalid-message", `tls: ${named(files).join(", ")} cannot be used (${code ?? message})`, { cause });
  }
}
