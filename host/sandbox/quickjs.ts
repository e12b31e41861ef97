// The module of QuickJS: an optional package, read when the first sandbox is made, and admitted like a plugin.

import { readFile } from "node:fs/promises";
import { findPackageJSON } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { AdmissionCache } from "../cell/admission/admission-process.ts";
import { ownFolder } from "../cell/admission/own-folder.ts";
import type { HardeningOptions } from "../cell/outside/hardening.ts";
import { HostError } from "../core/errors.ts";
import type { Limits } from "../core/types.ts";
import { DEFAULT_RULES } from "../engine/admission-rules.ts";
import type { AdmittedModule } from "../engine/admit-plugin.ts";
import { QUICKJS_IMPORTS } from "../engine/quickjs/engine.ts";
import { withUsedExports } from "../engine/quickjs/exports.ts";

const PACKAGE = "quickjs-wasi";
/** What it exports is its own affair, so another one has not been tried. */
const VERSION = "3.7.0";
const INSTALL = `npm install --save-exact ${PACKAGE}@${VERSION}`;
/** 1.3 MiB of it are taken before a program begins. */
const LEAST_MEMORY_BYTES = 2 * 1_024 * 1_024;

/** By the limits that decide about a module. */
const admitted = new Map<string, Promise<AdmittedModule>>();

/**
 * Admitted in a process of its own, once for each size of memory, and remembered in `cacheDir` or among this user's temporary files. Rejects with HostError
 * `admission-refused`, which says how to install it when the package is not there, and with `invalid-message` for a memory that is too small.
 */
export function admittedQuickJs(limits: Limits, hardening: HardeningOptions, cacheDir: string | undefined): Promise<AdmittedModule> {
  const key = JSON.stringify([limits.memoryBytes, limits.tableElements, limits.moduleBytes, cacheDir]);
  const known = admitted.get(key);
  if (known !== undefined) return known;
  const made = admit(limits, hardening, cacheDir);
  admitted.set(key, made);
  made.catch(() => admitted.delete(key));
  return made;
}

async function admit(limits: Limits, hardening: HardeningOptions, cacheDir: string | undefined): Promise<AdmittedModule> {
  if (limits.memoryBytes < LEAST_MEMORY_BYTES)
    throw new HostError("invalid-message", "limits.memoryMiB is too small for a sandbox: write 2 or more");
  const folder = cacheDir ?? (await ownFolder(tmpdir(), "bulkhead-sandbox"));
  const rules = { ...DEFAULT_RULES, functions: QUICKJS_IMPORTS };
  return new AdmissionCache(folder, { hardening, rules }).admit(await readModule(), limits);
}

async function readModule(): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const manifest = findPackageJSON(PACKAGE, import.meta.url) ?? "";
    const { version } = JSON.parse(await readFile(manifest, "utf8")) as { readonly version: string };
    if (version !== VERSION) throw new TypeError(`its version is ${version}`);
    return withUsedExports(await readFile(join(dirname(manifest), "quickjs.wasm")));
  } catch (cause) {
    const why = cause instanceof TypeError ? cause.message : "it is not installed";
    throw new HostError("admission-refused", `a sandbox needs the package ${PACKAGE} ${VERSION}, and ${why}; install it with: ${INSTALL}`, {
      cause,
    });
  }
}
