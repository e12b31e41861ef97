// The interfaces that a component may import, with the versions the host has of each and their types. What is not here is refused by name.

import { CONFIG_AND_LOGGING, KEYVALUE_DRAFT, KEYVALUE_DRAFT_2 } from "./standard/drafts.ts";
import type { Interface, Interfaces } from "./standard/notation.ts";
import { OWN } from "./standard/own.ts";
import { WASI_0_2 } from "./standard/wasi.ts";
import { WASI_FILESYSTEM } from "./standard/wasi-filesystem.ts";
import { WASI_HTTP } from "./standard/wasi-http.ts";
import { WASI_SOCKETS } from "./standard/wasi-sockets.ts";

/** Releases of 0.2 only add to it, and a component imports no more than it calls. */
const RELEASE_0_2 = /^0\.2\.\d+$/;

interface Supported {
  readonly version: RegExp;
  readonly faces: Interfaces;
  /** Only these of them. */
  readonly only?: RegExp;
}

const SUPPORTED: readonly Supported[] = [
  ...[...OWN].map(([api, faces]) => ({ version: new RegExp(`^${api.replace(".", "\\.")}\\.0$`), faces })),
  ...[WASI_0_2, WASI_HTTP, WASI_FILESYSTEM, WASI_SOCKETS].map((faces) => ({ version: RELEASE_0_2, faces })),
  { version: /^0\.2\.0-draft$/, faces: KEYVALUE_DRAFT },
  { version: /^0\.2\.0-draft2$/, faces: KEYVALUE_DRAFT_2 },
  { version: /^0\.2\.0-(?:draft|rc\.1)$/, faces: CONFIG_AND_LOGGING, only: /^wasi:config\/store$/ },
  { version: /^0\.2\.0-draft$/, faces: CONFIG_AND_LOGGING, only: /^wasi:config\/runtime$/ },
  // 0.1.0 is without a version in the interface's own package.
  { version: /^(?:0\.1\.0-draft)?$/, faces: CONFIG_AND_LOGGING, only: /^wasi:logging\// },
];

/** What the host has of it, or which part of its name the host has not. */
export function supportedInterface(name: string): Interface | "no such interface" | "another version" {
  const [bare = "", version = ""] = name.split("@");
  const known = SUPPORTED.filter(({ faces, only }) => faces.has(bare) && only?.test(bare) !== false);
  if (known.length === 0) return "no such interface";
  return known.find((one) => one.version.test(version))?.faces.get(bare) ?? "another version";
}

/** The names that the host answers to, by interface without its version, whatever the version. */
export function namesOf(bare: string): { readonly functions: readonly string[]; readonly resources: readonly string[] } {
  const faces = SUPPORTED.flatMap(({ faces }) => faces.get(bare) ?? []);
  return {
    functions: [...new Set(faces.flatMap(({ functions }) => [...functions.keys()]))],
    resources: [...new Set(faces.flatMap(({ resources }) => resources))],
  };
}
