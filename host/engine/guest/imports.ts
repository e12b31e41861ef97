// The allow-list: every import that the host provides, with its signature. What is not here is refused at admission.

import { API_VERSIONS, type ApiVersion, type WitFunction } from "../../core/wit.ts";
import type { DeclaredFunctions } from "../admission-rules.ts";
import { WASI_PREVIEW1, WASI_SIGNATURES } from "./wasi.ts";
import { SHAPES } from "./wit-shapes.ts";

export const EXTISM_ENV = "extism:host/env";
export const EXTISM_USER = "extism:host/user";
export const BULK_MEMORY = "bulkhead:host/memory";

/** `services.current-caller` → `services_current_caller`, as docs/abi.md has it. */
const importNameOf = (functionName: string): string => functionName.replaceAll(/[.-]/g, "_");

export const FUNCTION_BY_IMPORT: ReadonlyMap<string, string> = new Map(Object.keys(SHAPES).map((name) => [importNameOf(name), name]));

const ENV: Readonly<Record<string, string>> = {
  alloc: "i64:i64",
  free: "i64:",
  length: "i64:i64",
  length_unsafe: "i64:i64",
  load_u8: "i64:i32",
  load_u64: "i64:i64",
  store_u8: "i64,i32:",
  store_u64: "i64,i64:",
  input_length: ":i64",
  input_offset: ":i64",
  input_load_u8: "i64:i32",
  input_load_u64: "i64:i64",
  output_set: "i64,i64:",
  error_set: "i64:",
  error_get: ":i64",
  config_get: "i64:i64",
  var_get: "i64:i64",
  var_set: "i64,i64:",
  http_request: "i64,i64:i64",
  http_status_code: ":i32",
  http_headers: ":i64",
  log_trace: "i64:",
  log_debug: "i64:",
  log_info: "i64:",
  log_warn: "i64:",
  log_error: "i64:",
  get_log_level: ":i32",
};

const user = Object.entries(SHAPES).map(([name, { params }]) => [importNameOf(name), `${params.map(() => "i64").join(",")}:i64`] as const);

const ALLOWED: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map([
  [EXTISM_ENV, new Map(Object.entries(ENV))],
  [EXTISM_USER, new Map(user)],
  [WASI_PREVIEW1, new Map(Object.entries(WASI_SIGNATURES))],
  [BULK_MEMORY, new Map(Object.entries({ load: "i64,i32,i32:", store: "i32,i64,i32:", release: "i64:" }))],
]);

/** Which function of wit/ an import asks for; undefined for one that asks for none. */
export function functionOfImport(module: string, name: string): string | undefined {
  if (module === EXTISM_ENV && name === "http_request") return "http.fetch";
  if (module.startsWith("wasi:http/outgoing-handler@")) return "http.fetch";
  // A component imports our functions by their own names.
  if (module.startsWith("bulkhead:plugin/")) return name;
  return module === EXTISM_USER ? FUNCTION_BY_IMPORT.get(name) : undefined;
}

export interface FunctionImport {
  readonly module: string;
  readonly name: string;
  readonly kind: string;
  readonly params: readonly string[];
  readonly results: readonly string[];
}

/** The first version of wit/ that has all of something, and what of it needs that version. */
export interface ApiNeed {
  readonly since: ApiVersion;
  readonly because: string;
}

/** What the whole needs of what its parts need. */
export function apiOf(parts: readonly ApiNeed[]): ApiNeed {
  const latest = API_VERSIONS.findLast((version) => parts.some(({ since }) => since === version));
  return parts.find(({ since }) => since === latest) ?? { since: API_VERSIONS[0], because: "nothing of it" };
}

export function apiOfImport({ module, name }: Pick<FunctionImport, "module" | "name">): ApiNeed {
  const shape = module === EXTISM_USER ? SHAPES[FUNCTION_BY_IMPORT.get(name) as WitFunction] : undefined;
  return { since: shape?.since ?? API_VERSIONS[0], because: `the import ${name}` };
}

/** Whether the host answers this import itself, whatever its program declares. */
export const isOwnImport = (module: string, name: string): boolean => ALLOWED.get(module)?.has(name) === true;

/** Modules whose functions are the host's alone. */
export const isReservedModule = (module: string): boolean => module !== EXTISM_USER && ALLOWED.has(module);

/** True for an import that the host provides, or its program declares, with exactly this signature; else the reason why not. */
export function isAllowedImport({ module, name, kind, params, results }: FunctionImport, declared: DeclaredFunctions): true | string {
  if (kind !== "function") return `it is a ${kind}; only functions can be imported`;
  const ofProgram = Object.hasOwn(declared, module) ? declared[module] : undefined;
  const signature = ALLOWED.get(module)?.get(name) ?? (Object.hasOwn(ofProgram ?? {}, name) ? ofProgram?.[name] : undefined);
  if (signature === undefined) return unknownImport(module, name);
  const asked = `${params.join(",")}:${results.join(",")}`;
  return asked === signature || `it is (${signature.replace(":", ") -> (")}), not (${asked.replace(":", ") -> (")})`;
}

// What is said of imports that many people have, so that they need not search.
function unknownImport(module: string, name: string): string {
  if (name.startsWith("extism_") && (module === "env" || module === EXTISM_ENV))
    return 'it was built with an old PDK, from before Extism 1.0; build it again with a PDK of 1.0 or later (Rust: extism-pdk = "1"; Go: github.com/extism/go-pdk v1)';
  if (module === "wasi_unstable")
    return "it was built for WASI preview 0; build it again with a toolchain of today, for preview 1 (wasm32-wasip1)";
  if (module.startsWith("wasi:") || module.startsWith("wasm:"))
    return "only a component can import it, or nothing here can; build a component";
  if (isReservedModule(module)) return "the host provides no such function";
  return "the host provides no such function; a program that embeds the host can declare it (functions of createHost, docs/from-extism.md)";
}
