// What hibernating plugins have become, a sealed file each, in the data folder. A file is of one image of one plugin and is gone before that runs again: nothing goes
// on from it twice. It knows nothing of what is in it.

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Seal } from "../admin/seal.ts";
import { maxStateBytes } from "../bounds/state-bytes.ts";
import type { StateKeeper } from "../cell/outside/hibernating-cell.ts";
import { HostError, toHostError } from "../core/errors.ts";
import type { LogSink } from "../core/ports/log.ts";
import type { Bytes, PluginImage } from "../core/types.ts";

const FORMAT = "bulkhead-state 1";
const ENDING = ".state";
const UNFINISHED = ".unfinished";
/** Of the first line, and of the seal. */
const OVERHEAD_BYTES = 256;
const SMALL_BYTES = 256 * 1024;
const OWNER_ONLY = 0o600;

export class SleepingStates implements StateKeeper {
  readonly #folder: string;
  readonly #seal: Seal;
  readonly #log: LogSink;
  readonly #sizes = new Map<string, number>();

  /** Throws what the file system says of a folder that cannot be read. */
  constructor(dataDir: string, log: LogSink) {
    this.#folder = join(dataDir, "asleep");
    this.#seal = new Seal(dataDir);
    this.#log = log;
    for (const name of namesIn(this.#folder)) {
      if (name.endsWith(UNFINISHED)) rmSync(join(this.#folder, name), { force: true });
      else if (name.endsWith(ENDING)) this.#sizes.set(name.slice(0, -ENDING.length), statSync(join(this.#folder, name)).size);
    }
  }

  /** Bytes of each plugin of which something is kept. */
  get sizes(): ReadonlyMap<string, number> {
    return this.#sizes;
  }

  async take(image: PluginImage): Promise<{ readonly state: Bytes; readonly gone: Promise<void> } | undefined> {
    if (!this.#sizes.has(image.name)) return undefined;
    try {
      const state = await this.#read(image);
      // Another one is there soon enough, so the name goes at once, and the disk has until the plugin is loaded.
      rmSync(this.#fileOf(image.name), { force: true });
      this.#sizes.delete(image.name);
      const gone = this.#settle();
      // Whoever waits for it hears of it.
      gone.catch(() => {});
      return { state, gone };
    } catch (thrown) {
      const why = thrown instanceof HostError ? thrown.message : `it cannot be read: ${toHostError(thrown).message}`;
      this.#log.write({ level: "warning", plugin: image.name, message: `it begins anew: ${why}`, cause: thrown });
      this.drop(image.name);
      return undefined;
    }
  }

  async keep(image: PluginImage, state: Bytes): Promise<void> {
    const { name } = image;
    const identity = this.#identityOf(image);
    const sealed = this.#seal.close(Buffer.from(state.buffer, state.byteOffset, state.length), contextOf(name, identity));
    const content = Buffer.concat([Buffer.from(`${FORMAT} ${identity}\n`), sealed]);
    const unfinished = this.#fileOf(name) + UNFINISHED;
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      await writeWhole(unfinished, content);
      await rename(unfinished, this.#fileOf(name));
      await this.#settle();
    } catch (cause) {
      await rm(unfinished, { force: true }).catch(() => {});
      const isFull = ["ENOSPC", "EDQUOT"].includes((cause as NodeJS.ErrnoException).code ?? "");
      throw new HostError("storage-failed", isFull ? "the disk of the host is full" : "its file cannot be written", { cause });
    }
    this.#sizes.set(name, content.length);
  }

  drop(plugin: string): undefined {
    if (!this.#sizes.delete(plugin)) return;
    rmSync(this.#fileOf(plugin), { force: true });
  }

  async #read(image: PluginImage): Promise<Bytes> {
    const file = this.#fileOf(image.name);
    const max = maxStateBytes(image.limits) + OVERHEAD_BYTES;
    const { size } = statSync(file);
    if (size > max) throw new HostError("quota-exceeded", `what was kept of it has ${size} bytes; the limit is ${max}`);
    // A turn waits for it: a small file is there before a thread has been asked.
    const content = size <= SMALL_BYTES ? readFileSync(file) : await readFile(file);
    const identity = this.#identityOf(image);
    const head = Buffer.from(`${FORMAT} ${identity}\n`);
    if (!content.subarray(0, head.length).equals(head))
      throw new HostError("conflict", "what was kept of it is of another version, configuration or host");
    const what = `what was kept of ${image.name}`;
    return this.#seal.open({
      what,
      remedy: "it is dropped",
      context: contextOf(image.name, identity),
      bytes: content.subarray(head.length),
    });
  }

  /** All that an instance is made by; not what is asked anew at each call, as its grants are. */
  #identityOf({
    module,
    moduleKey,
    name,
    entryPoints,
    limits,
    config,
    engine,
    storage,
    transaction,
    api,
    keepsStorageLog,
    schemas,
  }: PluginImage): string {
    const made = {
      module: moduleKey ?? sha256(module),
      name,
      entryPoints,
      limits,
      config,
      engine,
      storage,
      transaction,
      api,
      keepsStorageLog,
      schemas,
    };
    return sha256(JSON.stringify(made));
  }

  /** Resolves when the disk has what the folder says. */
  async #settle(): Promise<void> {
    const folder = await open(this.#folder, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  #fileOf(plugin: string): string {
    return join(this.#folder, plugin + ENDING);
  }
}

const sha256 = (content: Uint8Array | string): string => createHash("sha256").update(content).digest("hex");

const contextOf = (plugin: string, identity: string): string[] => ["state of a plugin", plugin, identity];

async function writeWhole(path: string, content: Uint8Array): Promise<void> {
  const file = await open(path, "w", OWNER_ONLY);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw thrown;
  }
}
