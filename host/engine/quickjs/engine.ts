// The engine of sandboxes: the module quickjs-wasi behind the same port, in the same metered instance as every guest. A sandbox more in a cell costs no module:
// its image names one that is loaded there.

import { createHash } from "node:crypto";
import { HostError } from "../../core/errors.ts";
import type { Bytes } from "../../core/types.ts";
import type { Engine } from "../engine.ts";
import { importedBy } from "../guest/imported.ts";
import { compileAdmitted, type DriverPorts, type Link, MeteredInstance } from "../metered.ts";
import { Machine } from "./machine.ts";
import { Program } from "./program.ts";
import { FUNCTIONS_KEY } from "./request.ts";

const REFERENCE = new TextEncoder().encode("bulkhead-quickjs ");
const UTC = 0;
const encoder = new TextEncoder();

/** What the module imports beside WASI; the engine answers all of it. */
export const QUICKJS_IMPORTS: Readonly<Record<string, Readonly<Record<string, string>>>> = Object.freeze({
  env: Object.freeze({
    host_get_timezone_offset: "i32,i32:i32",
    host_interrupt: ":i32",
    host_promise_rejection: "i32,i32,i32:",
    host_module_normalize: "i32,i32:i32",
    host_module_load: "i32,i32:i32",
    host_call: "i32,i32,i32,i32,i32:i32",
  }),
});

const digestOf = (module: Bytes): string => createHash("sha256").update(module).digest("hex");

/** Stands for an admitted module that is loaded in the same cell. */
export const referenceTo = (module: Bytes): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.concat([REFERENCE, encoder.encode(digestOf(module))]));

const isReference = (module: Bytes): boolean => REFERENCE.every((byte, i) => module[i] === byte);

interface Compiled {
  readonly module: WebAssembly.Module;
  readonly imported: ReturnType<typeof importedBy>;
}

/** By digest; in one cell there are as many as there are sizes of memory. */
const loaded = new Map<string, Promise<Compiled>>();

async function compiledFrom(image: Uint8Array<ArrayBuffer>): Promise<Compiled> {
  if (isReference(image)) {
    const found = loaded.get(Buffer.from(image.subarray(REFERENCE.length)).toString());
    if (found === undefined) throw new HostError("admission-refused", "the module of this sandbox is not loaded in its cell");
    return found;
  }
  const digest = digestOf(image);
  const known = loaded.get(digest);
  if (known !== undefined) return known;
  const compiling = compileAdmitted(image).then((module) => ({ module, imported: { ...importedBy(image), declared: [] } }));
  loaded.set(digest, compiling);
  compiling.catch(() => loaded.delete(digest));
  return compiling;
}

export const quickJsEngine: Engine = {
  async compile(image) {
    const { module, imported } = await compiledFrom(image);
    return {
      isStateful: true,
      instantiate: (environment) => {
        const functions = encoder.encode(environment.scope.config[FUNCTIONS_KEY] ?? "[]");
        return new MeteredInstance(linkTo(module, functions), environment, imported);
      },
    };
  },
};

const linkTo =
  (module: WebAssembly.Module, functions: Bytes): Link =>
  (imports, ports: DriverPorts) => {
    let program: Program | undefined;
    const env = {
      host_get_timezone_offset: () => UTC,
      host_interrupt: () => (program?.isInterrupted() === true ? 1 : 0),
      host_promise_rejection: () => {},
      // Nothing asks for these: no module loader and no function of this kind is set.
      host_module_normalize: () => 0,
      host_module_load: () => 0,
      host_call: () => 0,
    };
    const { exports } = new WebAssembly.Instance(module, { ...imports, env });
    program = new Program(new Machine(exports), ports, functions);
    return { exports, driver: program };
  };
