// Admits a stranger's module where that may go wrong: in a process made for it, with a bound on its memory and time. What was
// admitted is kept by the hash of its source and of everything that decided, and is checked before it is used again.

import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { HostError } from "../../core/errors.ts";
import type { StorageSide } from "../../core/types.ts";
import { API_VERSIONS } from "../../core/wit.ts";
import { type AdmissionRules, DEFAULT_RULES } from "../../engine/admission-rules.ts";
import type { AdmittedModule, ModuleLimits } from "../../engine/admit-plugin.ts";
import { isComponent } from "../../engine/component/bundle.ts";
import type { HardeningOptions } from "../outside/hardening.ts";
import { askDisposable, type DisposableBounds } from "./disposable-process.ts";

export type { DeclaredFunctions } from "../../engine/admission-rules.ts";

const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "./admission-main.ts" : "./admission-main.js", import.meta.url);
const HERE = dirname(fileURLToPath(import.meta.url));
const ENGINE = join(HERE, "..", "..", "engine");
const CORE = join(HERE, "..", "..", "core");
const MIB = 1024 * 1024;

/** What admitting one module may cost. The largest real module measured, 12.5 MB, takes 5 s and 900 MiB of it. */
export const ADMISSION_BOUNDS: DisposableBounds = Object.freeze({ cpuMs: 20_000, timeoutMs: 120_000, memoryBytes: 1_536 * MIB });
const MAX_SOURCE_BYTES = 64 * MIB;
// The admitted form is a little larger than its source, a component's has JavaScript beside it.
const MAX_ADMITTED_BYTES = 4 * MAX_SOURCE_BYTES;
// Liftoff compiles everything at once; the optimising tier would go on after the answer.
const FLAGS = ["--no-wasm-lazy-compilation", "--no-wasm-tier-up", "--max-old-space-size=1024"];

const admittedSchema: z.ZodType<Omit<AdmittedModule, "module">> = z.object({
  entryPoints: z.union([z.array(z.string()), z.literal("any")]),
  exported: z.string(),
  api: z.object({ since: z.enum(API_VERSIONS), because: z.string() }),
  report: z.custom<AdmittedModule["report"]>((value) => typeof value === "object" && value !== null),
});

/** What the admission process is asked about a module. */
export interface AdmissionQuestion {
  readonly limits: ModuleLimits;
  readonly rules: AdmissionRules;
  /** Whose side answers its storage: what suspends a component stands in its glue. */
  readonly storage: StorageSide;
  /** Whether its state is to be read between turns. */
  readonly keepsState: boolean;
}

export interface AdmissionOptions {
  readonly keepsState?: boolean | undefined;
  readonly storage?: StorageSide | undefined;
  readonly rules?: AdmissionRules;
  readonly bounds?: DisposableBounds;
  readonly hardening?: HardeningOptions;
}

/**
 * Rejects with HostError `admission-refused`, whose detail lists every reason; also when the module made the process die, run
 * out of time or out of memory.
 */
export async function admitInProcess(
  wasm: Uint8Array<ArrayBuffer>,
  { memoryBytes, tableElements, moduleBytes }: ModuleLimits,
  { storage = "cell", keepsState = false, rules = DEFAULT_RULES, bounds = ADMISSION_BOUNDS, hardening = {} }: AdmissionOptions = {},
): Promise<AdmittedModule> {
  const refused = (message: string, detail?: string): HostError => new HostError("admission-refused", message, { detail });
  if (wasm.length > MAX_SOURCE_BYTES)
    throw refused(`the module has ${wasm.length} bytes; the limit is ${MAX_SOURCE_BYTES} with its custom sections`);
  const question: AdmissionQuestion = { limits: { memoryBytes, tableElements, moduleBytes }, rules, storage, keepsState };
  const { value, bytes } = await askDisposable({
    entry: ENTRY,
    request: { value: question, bytes: wasm },
    maxAnswerBytes: MAX_ADMITTED_BYTES,
    bounds,
    flags: FLAGS,
    hardening,
    refuse: (why, detail) => refused(`the module is refused: checking it ${why}`, detail),
  });
  const said = admittedSchema.safeParse(value);
  if (!said.success) throw refused("the module is refused: checking it broke the process that did it");
  return { module: bytes, ...said.data };
}

/** What a plugin's module is admitted for. */
export interface AdmittedFor {
  readonly side?: StorageSide | undefined;
  readonly keepsState?: boolean | undefined;
}

/** Admits modules and remembers them in a folder, which is made when missing. Nothing but the host may write there. */
export class AdmissionCache {
  readonly #folder: string;
  readonly #hardening: HardeningOptions;
  readonly #rules: AdmissionRules;
  #engine: Promise<string> | undefined;
  /** Told how long it took to admit a module that was not known, in milliseconds. */
  onAdmitted: (tookMs: number) => void = () => {};

  constructor(folder: string, { hardening = {}, rules = DEFAULT_RULES }: Omit<AdmissionOptions, "bounds" | "storage" | "keepsState"> = {}) {
    this.#folder = folder;
    this.#hardening = hardening;
    this.#rules = rules;
  }

  /** The module of an entry. Rejects with HostError `storage-failed` where it is not there any more as it was. */
  async read(key: string): Promise<Uint8Array<ArrayBuffer>> {
    const entry = await this.#find(key);
    if (entry !== undefined) return entry.module;
    throw new HostError("storage-failed", "its admitted module is not in the data folder any more; restart the plugin to admit it again");
  }

  /** Like admitInProcess; an entry that is missing, cut off or changed is made anew. `key` is there where it can be read again. */
  async admit(
    wasm: Uint8Array<ArrayBuffer>,
    limits: ModuleLimits,
    { side = "cell", keepsState = false }: AdmittedFor = {},
  ): Promise<AdmittedModule & { readonly key?: string }> {
    this.#engine ??= digestOfEngine();
    // Into a module that is no component nothing is written about it.
    const storage = isComponent(wasm) ? side : "cell";
    const ofPlugin = [
      limits.memoryBytes,
      limits.tableElements,
      limits.moduleBytes,
      ...(storage === "host" ? [storage] : []),
      ...(keepsState ? ["state"] : []),
    ];
    const settings = JSON.stringify([ofPlugin, this.#rules, process.version, await this.#engine]);
    const key = sha256(Buffer.from(sha256(wasm) + settings));
    const file = this.#fileOf(key);
    const known = await this.#find(key);
    if (known !== undefined) return { ...known, key };
    const startedAt = performance.now();
    const admitted = await admitInProcess(wasm, limits, { storage, keepsState, rules: this.#rules, hardening: this.#hardening });
    this.onAdmitted(performance.now() - startedAt);
    // Whoever shares the folder may read and write the entry at any moment, so it appears whole or not at all.
    const unfinished = `${file}.${randomUUID()}`;
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await writeFile(unfinished, encodeEntry(admitted, key));
      await rename(unfinished, file);
      return { ...admitted, key };
    } catch {
      // A disk without room for it, say: the module is as good, and the next time it is checked again.
      await rm(unfinished, { force: true }).catch(() => {});
      return admitted;
    }
  }

  #find(key: string): Promise<AdmittedModule | undefined> {
    return readFile(this.#fileOf(key)).then(
      (entry) => decodeEntry(entry, key),
      () => undefined,
    );
  }

  #fileOf(key: string): string {
    return join(this.#folder, `${key}.admitted`);
  }
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

// An entry is a line of JSON, then the module; the line has the digest of the rest.
function encodeEntry({ module, ...said }: AdmittedModule, key: string): Buffer {
  const body = Buffer.concat([Buffer.from(`${JSON.stringify({ key, ...said })}\n`), module]);
  return Buffer.concat([Buffer.from(`${sha256(body)}\n`), body]);
}

function decodeEntry(entry: Buffer<ArrayBuffer>, key: string): AdmittedModule | undefined {
  const line = entry.indexOf(10);
  const body = entry.subarray(line + 1);
  if (line < 0 || entry.toString("latin1", 0, line) !== sha256(body)) return undefined;
  const end = body.indexOf(10);
  const { key: found, ...said } = JSON.parse(body.toString("utf8", 0, end)) as { key: string } & Omit<AdmittedModule, "module">;
  const module = body.subarray(end + 1);
  return found === key ? { module: new Uint8Array(module.buffer, module.byteOffset, module.length), ...said } : undefined;
}

// What the meter and the checks do is in their code, what wit/ says in the types made from it, and which jco makes the glue in the transpiler's, so a changed
// engine finds nothing of the old one.
async function digestOfEngine(): Promise<string> {
  const ofEngine = (await readdir(ENGINE, { recursive: true })).map((name) => join(ENGINE, name));
  const ofTranspiler = (await readdir(HERE)).filter((name) => name.startsWith("transpiler.")).map((name) => join(HERE, name));
  const ofContract = (await readdir(CORE)).filter((name) => name.startsWith("wit.")).map((name) => join(CORE, name));
  const digest = createHash("sha256");
  for (const file of [...ofEngine, ...ofTranspiler, ...ofContract].filter((name) => /\.[jt]s$/.test(name)).sort()) {
    digest.update(relative(HERE, file)).update(await readFile(file));
  }
  return digest.digest("hex");
}
