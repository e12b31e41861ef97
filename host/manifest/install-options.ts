// The section `install` of the configuration: by what ways packages and documents come.

import { z } from "zod";
import { isLoopback } from "../bounds/loopback.ts";

export interface InstallOptions {
  /** Beginnings of addresses, and what stands there instead. */
  readonly mirrors: Readonly<Record<string, string>>;
  /** OCI registry, such as `ghcr.io` → origins to which it may send us. */
  readonly elsewhere: Readonly<Record<string, readonly string[]>>;
}

const MAX_MIRRORS = 256;
const MAX_ORIGINS = 16;
const MAX_ADDRESS = 2_048;
// In lower case, as addresses are compared.
const OCI = /^oci(?:\+http)?:\/\/[a-z0-9.[\]:-]+\/(?:[a-z0-9._-]+\/)*$/;
const REGISTRY = /^[a-z0-9.[\]:-]{1,255}$/;

const isWeb = (text: string): boolean => /^https?:/.test(text) && URL.parse(text)?.href === text;
const isFolder = (text: string): boolean => /^file:\/\/\/(?!\/)/.test(text) && URL.parse(text)?.href === text;
const isOci = (text: string): boolean => OCI.test(text);

const original = z
  .string()
  .max(MAX_ADDRESS)
  .refine((text) => text.endsWith("/") && (isWeb(text) || isOci(text)), {
    message: "write the beginning of an address that ends with a slash, such as https://registry.npmjs.org/ or oci://ghcr.io/",
  });
const substitute = z
  .string()
  .max(MAX_ADDRESS)
  .refine((text) => text.endsWith("/") && (isWeb(text) || isOci(text) || isFolder(text)), {
    message: "write an address that ends with a slash, such as https://mirror.local/npm/, oci://mirror.local/ or file:///srv/mirror/",
  });

const origin = z
  .string()
  .max(MAX_ADDRESS)
  .refine((text) => isOrigin(URL.parse(text), text), { message: "write an origin such as https://auth.docker.io, without a path" });

const isOrigin = (url: URL | null, text: string): boolean =>
  url?.origin === text && (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname)));

export const installSchema: z.ZodType<InstallOptions> = z.strictObject({
  mirrors: z
    .record(original, substitute)
    .refine((mirrors) => Object.keys(mirrors).length <= MAX_MIRRORS, { message: `there may be ${MAX_MIRRORS} at most` })
    .refine((mirrors) => Object.entries(mirrors).every(([from, to]) => isOci(from) === isOci(to)), {
      message: "an oci:// registry is mirrored by an oci:// registry, and nothing else is",
    })
    .default({}),
  elsewhere: z.record(z.string().regex(REGISTRY, "write a registry such as ghcr.io"), z.array(origin).max(MAX_ORIGINS)).default({}),
});
