// jco's transpiler for the admission process: an optional package, loaded without the WASI shim that it comes with.

import { readFile } from "node:fs/promises";
import { findPackageJSON, registerHooks } from "node:module";
import { HostError } from "../../core/errors.ts";
import type { Transpiler } from "../../engine/component/admit-component.ts";

type Jco = typeof import("@bytecodealliance/jco-transpile/component");

const PACKAGE = "@bytecodealliance/jco-transpile";
/** The glue that another one makes has not been looked through. */
const VERSION = "0.15.0";
/** Installs what a host needs for components. */
export const TRANSPILER_INSTALL: string = `npm install --save-exact ${PACKAGE}@${VERSION} @bytecodealliance/preview2-shim@0.26.0`;
const SHIM = /^@bytecodealliance\/preview2-shim\//;
const OUR_WASI = new URL(import.meta.url.endsWith(".ts") ? "./transpiler-wasi.ts" : "./transpiler-wasi.js", import.meta.url).href;

/** Rejects with HostError `admission-refused`, which says how to install it, when the package is not there. */
export async function loadTranspiler(): Promise<Transpiler> {
  const { $init, generate } = await importJco();
  await $init;
  return {
    transpile: (component, { suspending }) =>
      generate(component, {
        name: "component",
        instantiation: { tag: "async" },
        asyncMode: { tag: "jspi", val: { imports: [...suspending], exports: ["*"] } },
        noNodejsCompat: true,
        base64Cutoff: 0,
      }).files,
  };
}

// The transpiler is a component itself. It needs no files, environment or threads, which Node's permission model would refuse it.
async function importJco(): Promise<Jco> {
  const hooks = registerHooks({
    resolve: (specifier, context, next) => (SHIM.test(specifier) ? { url: OUR_WASI, shortCircuit: true } : next(specifier, context)),
  });
  try {
    const { version } = JSON.parse(await readFile(findPackageJSON(PACKAGE, import.meta.url) ?? "", "utf8")) as { readonly version: string };
    if (version !== VERSION) throw new TypeError(`its version is ${version}`);
    return await import(`${PACKAGE}/component`);
  } catch (cause) {
    const why = cause instanceof TypeError ? cause.message : "it cannot be imported";
    const message = `a WebAssembly component needs the package ${PACKAGE} ${VERSION}, and ${why}; install it with: ${TRANSPILER_INSTALL}`;
    throw new HostError("admission-refused", message, { cause });
  } finally {
    hooks.deregister();
  }
}
