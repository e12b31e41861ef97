// Reads packuments and tarballs in a process that may die, one for each.

import { z } from "zod";
import { KEYID } from "../bounds/public-keys.ts";
import { askDisposable, type DisposableBounds } from "../cell/admission/disposable-process.ts";
import type { HardeningOptions } from "../cell/outside/hardening.ts";
import { HostError } from "../core/errors.ts";
import type { PackageReader } from "../install/npm-registry.ts";
import type { Announced } from "../install/packument.ts";
import { MAX_MANIFEST_BYTES } from "../install/plugin-folder.ts";
import { MAX_LICENSE } from "../install/tarball.ts";
import { parseManifest } from "../manifest/manifest.ts";
import { MAX_CONTENT_PATH, MAX_SIGNATURE_BYTES, MAX_SIGNED_FILES } from "../trust/contents.ts";

const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "./package-reader-main.ts" : "./package-reader-main.js", import.meta.url);
const MIB = 1_024 * 1_024;
/** A packument of 10 MiB takes 0.3 s and 200 MiB. */
const BOUNDS: DisposableBounds = Object.freeze({ cpuMs: 10_000, timeoutMs: 60_000, memoryBytes: 1_024 * MIB });
const MAX_WASM_BYTES = 64 * MIB;

const account = z.string().max(214);
const announcedSchema: z.ZodType<Announced> = z.object({
  version: z.string(),
  integrity: z.string(),
  tarball: z.string(),
  attestations: z.string().max(2_048).optional(),
  published: z.object({ at: z.number().optional(), by: account.optional(), maintainers: z.array(account).max(256).optional() }),
});
const readSchema = z.object({
  manifestBytes: z.int().nonnegative().max(MAX_MANIFEST_BYTES),
  signatureBytes: z.int().nonnegative().max(MAX_SIGNATURE_BYTES),
  contents: z.array(z.object({ path: z.string().max(MAX_CONTENT_PATH), sha256: z.string().regex(KEYID) })).max(MAX_SIGNED_FILES),
  license: z.string().max(MAX_LICENSE).optional(),
});

/** What the process is asked, beside the bytes. */
export type ReaderRequest =
  | { readonly kind: "packument"; readonly name: string; readonly wanted: string; readonly encoding: string; readonly registry: string }
  | { readonly kind: "tarball"; readonly label: string };

export function packageReader(hardening: HardeningOptions = {}, bounds: DisposableBounds = BOUNDS): PackageReader {
  const ask = (value: ReaderRequest, bytes: Uint8Array<ArrayBuffer>, maxAnswerBytes: number, label: string) =>
    askDisposable({
      entry: ENTRY,
      request: { value, bytes },
      maxAnswerBytes,
      bounds,
      hardening,
      refuse: (why, detail) => new HostError("quota-exceeded", `${label} is refused: reading it ${why}`, { detail }),
    });
  return {
    async chooseVersion({ body, encoding, registry }, { name, wanted }) {
      const bytes = new Uint8Array(body);
      const { value } = await ask({ kind: "packument", name, wanted, encoding, registry }, bytes, 0, `what ${registry} says of ${name}`);
      const announced = announcedSchema.safeParse(value);
      if (!announced.success) throw broken(name);
      return announced.data;
    },
    async readTarball(packed, label) {
      const most = MAX_WASM_BYTES + MAX_MANIFEST_BYTES + MAX_SIGNATURE_BYTES;
      const { value, bytes } = await ask({ kind: "tarball", label }, packed, most, label);
      const read = readSchema.safeParse(value);
      if (!read.success) throw broken(label);
      const { manifestBytes, signatureBytes, contents, license } = read.data;
      const wasmAt = manifestBytes + signatureBytes;
      if (wasmAt > bytes.length) throw broken(label);
      const manifestText = textOf(bytes.subarray(0, manifestBytes));
      const manifest = parseManifest(manifestText, `plugin.json of ${label}`);
      const signed = signatureBytes === 0 ? {} : { signatures: textOf(bytes.subarray(manifestBytes, wasmAt)) };
      return { manifest, manifestText, wasm: bytes.slice(wasmAt), contents, ...signed, ...(license !== undefined && { license }) };
    },
  };
}

// A byte order mark is a part of what was packed, and of its hash.
const textOf = (bytes: Uint8Array): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

const broken = (label: string): HostError => new HostError("invalid-manifest", `${label} broke the process that read it`);
