// A host that is killed at any moment of an install, update, rollback, grant, revoke, uninstall or boot leaves the old state or the new one, whole,
// with everything it had acknowledged, and boots again into it.

import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Verification } from "../../host/admin/audit.ts";
import type { Installation } from "../../host/admin/installations.ts";
import { openControl } from "../../host/cli/control.ts";
import { parseConfiguration } from "../../host/index.ts";
import { PackageStore } from "../../host/install/package-store.ts";
import { eventually } from "../support/eventually.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";
import { type Answer, ASKS, KEYS, type Order, type Report } from "./crash-host.ts";

const SCRIPT = fileURLToPath(new URL("./crash-host.ts", import.meta.url));

/** Keeps what it is told under four keys, one after another. The second version rewrites them as it starts, the third spoils them and fails. */
const source = (version: number, onStart = ""): string => `(module
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "load_u8" (func $load (param i64) (result i32)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/user" "storage_set" (func $set (param i64 i64) (result i64)))
  (import "extism:host/user" "storage_get" (func $get (param i64) (result i64)))
  (memory 1)
  (func $byte (param $value i32) (result i64) (local $block i64)
    (local.set $block (call $alloc (i64.const 1))) (call $store (local.get $block) (local.get $value)) (local.get $block))
  (func $give (param $block i64) (result i32) (call $output (local.get $block) (call $length (local.get $block))) (i32.const 0))
  (func $keep (param $key i32) (param $value i64) (drop (call $set (call $byte (local.get $key)) (local.get $value))))
  (func $migrate (param $key i32) (local $old i64) (local $new i64) (local $length i64) (local $i i64)
    (local.set $old (call $get (call $byte (local.get $key))))
    (local.set $length (call $length (local.get $old)))
    (if (i64.lt_u (local.get $length) (i64.const 3)) (then (return)))
    (if (i32.eq (call $load (i64.add (local.get $old) (i64.const 2))) (i32.const 50)) (then (return)))
    (local.set $new (call $alloc (i64.sub (local.get $length) (i64.const 1))))
    (call $store (local.get $new) (i32.const 50))
    (local.set $i (i64.const 2))
    (loop $copy
      (call $store (i64.sub (i64.add (local.get $new) (local.get $i)) (i64.const 1)) (call $load (i64.add (local.get $old) (local.get $i))))
      (br_if $copy (i64.lt_u (local.tee $i (i64.add (local.get $i) (i64.const 1))) (local.get $length))))
    (call $keep (local.get $key) (local.get $new)))
  (func (export "version") (result i32) (call $give (call $byte (i32.const ${48 + version}))))
  (func (export "keep") (result i32) ${forEachKey((key) => `(call $keep (i32.const ${key}) (call $input))`)} (i32.const 0))
  (func (export "kept") (result i32) (call $give (call $get (call $input))))
  ${onStart})`;
const forEachKey = (write: (key: number) => string): string => KEYS.map((key) => write(key.charCodeAt(0))).join(" ");
const MIGRATES = `(func (export "on_start") (result i32) ${forEachKey((key) => `(call $migrate (i32.const ${key}))`)} (i32.const 0))`;
const SPOILS = `(func (export "on_start") (result i32)
  ${forEachKey((key) => `(call $keep (i32.const ${key}) (call $byte (i32.const 33)))`)} (i32.const 1))`;
const SERVICES = Object.fromEntries(["version", "keep", "kept"].map((name) => [`thing.${name}`, { entryPoint: name }]));

const KINDS = ["install", "update", "failing update", "rollback", "grant", "revoke", "keep", "uninstall", "purge", "boot"] as const;
type Kind = (typeof KINDS)[number];
type Version = "1" | "2";

/** What an operator and the plugin's callers can see. */
interface State {
  readonly version: Version | undefined;
  readonly previous: Version | undefined;
  readonly grants: readonly string[];
  readonly data: readonly string[];
  /** Whether there is storage, which an uninstallation without purge leaves behind. */
  readonly stored: boolean;
}

interface Step {
  readonly kind: Kind;
  readonly order: Order;
  readonly after: State;
  /** States that it may be found in when it was interrupted, besides those before and after. */
  readonly between: readonly State[];
}

const NOTHING: State = { version: undefined, previous: undefined, grants: [], data: KEYS.map(() => ""), stored: false };
// One is given with the installation, one with each kind of update, the others by hand; each can be revoked.
const GRANTS = ASKS.map(({ permission, resource }) => `${permission} ${resource}`);
const BY_HAND = GRANTS.slice(0, 3);
const [OF_INSTALL = "", OF_UPDATE = "", OF_FAILING_UPDATE = ""] = GRANTS.slice(3);
const LOGGED: Partial<Record<Kind, string>> = {
  install: "install",
  update: "update",
  rollback: "rollback",
  grant: "grant",
  revoke: "revoke",
  uninstall: "uninstall",
  purge: "uninstall",
};

const grantOf = (text: string): { permission: string; resource: string } => {
  const [permission = "", resource = ""] = text.split(" ");
  return { permission, resource };
};
const together = (...grants: readonly string[]): string[] => [...new Set(grants)].sort();
const other = (version: Version): Version => (version === "1" ? "2" : "1");
/** What is stored once a version has started over it. */
const startedOver = (data: readonly string[], version: Version): string[] =>
  data.map((value) => (version === "1" || value === "" || value.startsWith("2") ? value : `2${value}`));

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A child process with a host in it, until it is killed. */
class Victim {
  readonly #child: ChildProcess;
  readonly #closed: Promise<void>;
  readonly log: string[] = [];
  readonly #answers: Answer[] = [];
  #onAnswer: (() => void) | undefined;
  #isClosed = false;

  constructor(configuration: string) {
    this.#child = spawn(process.execPath, [SCRIPT, configuration], { stdio: ["pipe", "pipe", "inherit"] });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error("the child has no output");
    createInterface({ input: stdout }).on("line", (line) => {
      const answer = JSON.parse(line) as Answer;
      if (answer.said === "log") this.log.push(answer.message);
      else this.#answers.push(answer);
      this.#onAnswer?.();
    });
    this.#closed = new Promise((resolve) =>
      this.#child.on("close", () => {
        this.#isClosed = true;
        this.#onAnswer?.();
        resolve();
      }),
    );
  }

  /** Resolves once its code is loaded. */
  async ready(): Promise<void> {
    await this.#next();
  }

  /** Does one thing to its end; resolves with the answer and how long it took. */
  async follow(order: Order): Promise<{ readonly answer: Answer; readonly ms: number }> {
    await this.begin(order);
    const start = performance.now();
    const answer = await this.#next();
    return { answer, ms: performance.now() - start };
  }

  /** Resolves once it says that it begins. */
  async begin(order: Order): Promise<void> {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
    await this.#next();
  }

  /** Kills it after so many milliseconds; resolves with what it still said. */
  async kill(afterMs = 0): Promise<Answer | undefined> {
    const end = performance.now() + afterMs;
    // A timer is too coarse for what takes a millisecond.
    if (afterMs > 4) await new Promise((resolve) => setTimeout(resolve, afterMs - 3));
    while (performance.now() < end);
    this.#child.kill("SIGKILL");
    await this.#closed;
    return this.#answers.at(-1);
  }

  async #next(): Promise<Answer> {
    while (this.#answers.length === 0) {
      if (this.#isClosed) throw new Error(`the host died on its own: ${this.log.join("; ")}`);
      await new Promise<void>((resolve) => {
        this.#onAnswer = resolve;
      });
    }
    return this.#answers.shift() as Answer;
  }
}

interface Tally {
  readonly kills: Record<Kind, number>;
  readonly interrupted: Record<Kind, number>;
}
const zeroes = (): Record<Kind, number> => Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;
const sum = (counts: Record<Kind, number>): number => KINDS.reduce((total, kind) => total + counts[kind], 0);

/** One data folder, its hosts one after another, and what must be in it. */
class Experiment {
  readonly #folder: TemporaryFolder;
  readonly #specs: Readonly<Record<Version | "3", string>>;
  readonly #isolation: string;
  readonly #seed: number;
  readonly #random: () => number;
  readonly #data: string;
  readonly #durations = new Map<Kind, number[]>();
  readonly #trail: string[] = [];
  readonly tally: Tally = { kills: zeroes(), interrupted: zeroes() };
  #spare: Victim | undefined;
  #host: Victim | undefined;
  /** What it may be found in; one as long as nothing was killed. */
  #possible: readonly State[] = [NOTHING];
  /** Audit entries by action, as far as they are known to be there. */
  #logged = new Map<string, number>();
  #unsettled: Step | undefined;
  #kept = 0;

  constructor(folder: TemporaryFolder, specs: Readonly<Record<Version | "3", string>>, isolation: string, seed: number) {
    this.#folder = folder;
    this.#specs = specs;
    this.#isolation = isolation;
    this.#seed = seed;
    this.#random = mulberry32(seed);
    this.#data = join(folder.path, "data");
  }

  /** Kills hosts until so many were in the middle of something. */
  async run(interruptions: number): Promise<void> {
    try {
      await this.#measure();
      while (sum(this.tally.interrupted) < interruptions) await this.#round();
      await this.#boot();
    } finally {
      await this.#host?.kill();
      await this.#spare?.kill();
    }
  }

  async #round(): Promise<void> {
    if (this.#rarest(["boot", "install"]) === "boot" && this.#random() < 0.5) {
      await this.#kill({ kind: "boot", order: { do: "boot" }, after: this.#state, between: [] });
      return;
    }
    await this.#boot();
    // Much ends with nothing installed; else most kills would hit installations.
    if (this.#state.version === undefined && this.#rarest(KINDS) !== "install") await this.#complete(this.#pick(this.#steps()));
    for (let n = Math.floor(this.#random() * 3); n > 0; n -= 1) await this.#complete(this.#pick(this.#steps()));
    const steps = this.#steps();
    const rarest = this.#rarest(steps.map(({ kind }) => kind));
    await this.#kill(this.#pick(steps.filter(({ kind }) => kind === rarest)));
  }

  // The first time of everything takes longest: modules are admitted, files are made.
  async #measure(): Promise<void> {
    await this.#boot();
    const order: Kind[] = ["install", "keep", "grant", "revoke", "update", "rollback", "failing update", "uninstall", "install", "purge"];
    const rounds = this.#isolation === "inline" ? 2 : 1;
    for (const kind of Array<Kind[]>(rounds).fill(order).flat())
      await this.#complete(this.#pick(this.#steps().filter((step) => step.kind === kind)));
    await this.#kill({ kind: "boot", order: { do: "report" }, after: this.#state, between: [] });
  }

  /** Everything that can be done in this state. */
  #steps(): Step[] {
    const state = this.#state;
    const { version, previous, grants, data } = state;
    const step = (kind: Kind, order: Order, change: Partial<State>, between: readonly State[] = []): Step => ({
      kind,
      order,
      after: { ...state, ...change },
      between,
    });
    if (version === undefined) {
      return (["1", "2"] as const).map((next) => {
        const settings = { isolation: this.#isolation };
        const order: Order = { do: "install", spec: this.#specs[next], grants: [grantOf(OF_INSTALL)], settings };
        return step("install", order, { version: next, grants: [OF_INSTALL], data: startedOver(data, next), stored: true });
      });
    }
    this.#kept += 1;
    const text = `${version === "2" ? "2" : ""}x${this.#kept}`;
    const written = (count: number): string[] => data.map((value, i) => (i < count ? text : value));
    const next = other(version);
    const gone = { version: undefined, previous: undefined, grants: [] };
    const updateTo = (to: Version | "3", grant: string): Order => ({ do: "update", spec: this.#specs[to], grants: [grantOf(grant)] });
    return [
      step("update", updateTo(next, OF_UPDATE), {
        version: next,
        previous: version,
        grants: together(...grants, OF_UPDATE),
        data: startedOver(data, next),
      }),
      step("failing update", updateTo("3", OF_FAILING_UPDATE), {}),
      step(
        "keep",
        { do: "keep", text },
        { data: written(KEYS.length) },
        KEYS.map((_, i) => ({ ...state, data: written(i) })),
      ),
      ...(previous === undefined
        ? []
        : [step("rollback", { do: "rollback" }, { version: previous, previous: version, data: startedOver(data, previous) })]),
      ...BY_HAND.map((grant) => step("grant", { do: "grant", ...grantOf(grant) }, { grants: together(...grants, grant) })),
      ...[...BY_HAND, ...grants].map((grant) =>
        step("revoke", { do: "revoke", ...grantOf(grant) }, { grants: grants.filter((present) => present !== grant) }),
      ),
      step("uninstall", { do: "uninstall", purge: false }, gone),
      step("purge", { do: "uninstall", purge: true }, { ...gone, data: NOTHING.data, stored: false }),
    ];
  }

  async #boot(): Promise<void> {
    const host = await this.#next();
    const { answer, ms } = await host.follow({ do: "boot" });
    this.#note("boot", ms);
    this.#host = host;
    if (answer.said !== "done" || answer.report === undefined) throw this.#failure(`it did not boot: ${JSON.stringify(answer)}`);
    this.#settle(answer.report);
    this.#expectNothingLeft(answer.report.installation);
  }

  async #complete(step: Step): Promise<void> {
    const host = this.#running();
    this.#trail.push(`${step.kind} ${JSON.stringify(step.order)}`);
    const { answer, ms } = await host.follow(step.order);
    this.#note(step.kind, ms);
    this.#acknowledge(step, answer);
    const { answer: told } = await host.follow({ do: "report" });
    if (told.said !== "done" || told.report === undefined) throw this.#failure(`it does not answer: ${JSON.stringify(told)}`);
    this.#settle(told.report);
  }

  async #kill(step: Step): Promise<void> {
    const { kind } = step;
    const host = this.#host ?? (await this.#next());
    this.#host = host;
    await host.begin(step.order);
    const delayMs = this.#random() * this.#typicalMs(kind);
    const answer = await host.kill(delayMs);
    this.#host = undefined;
    this.tally.kills[kind] += 1;
    if (answer === undefined) this.tally.interrupted[kind] += 1;
    else this.#note(kind, delayMs);
    this.#trail.push(
      `killed ${delayMs.toFixed(1)} ms into ${kind} ${JSON.stringify(step.order)}, which was ${answer?.said ?? "under way"}`,
    );
    if (kind !== "boot") {
      if (answer === undefined) {
        this.#possible = [...this.#possible, ...step.between, step.after];
        this.#unsettled = step;
      } else this.#acknowledge(step, answer);
    }
    await this.#inspect();
  }

  #acknowledge(step: Step, answer: Answer): void {
    if (step.kind === "failing update") {
      if (answer.said !== "failed" || !answer.message.includes("on_start failed")) throw this.#failure(`it said ${JSON.stringify(answer)}`);
    } else if (answer.said !== "done") throw this.#failure(`it said ${JSON.stringify(answer)}`);
    this.#possible = [step.after];
    const action = LOGGED[step.kind];
    if (action !== undefined) this.#logged.set(action, (this.#logged.get(action) ?? 0) + 1);
  }

  /** What a running host tells must be one of the states that are possible, all of it; and the audit log must tell the same. */
  #settle({ state, version, data, may, installation }: Report): void {
    const database = new Database(join(this.#data, "host.sqlite"), { readonly: true });
    const grants = database
      .prepare<[], string>("SELECT permission || ' ' || resource || iif(effect = 'allow', '', ' denied') FROM grants ORDER BY 1")
      .pluck()
      .all();
    const purges = database.prepare<[], string>("SELECT plugin FROM purges").pluck().all();
    const entries = new Map(database.prepare<[], [string, number]>("SELECT action, count(*) FROM audit GROUP BY action").raw().all());
    database.close();
    const found: State = {
      version: versionOf(installation),
      previous: versionOf(installation?.previous),
      grants,
      data: installation === undefined ? this.#state.data : data,
      stored: true,
    };
    const match = this.#possible.find((possible) =>
      sameState(found, installation === undefined ? { ...possible, data: found.data } : possible),
    );
    const context = this.#context();
    if (match === undefined) expect(found, context).toEqual(this.#possible.length === 1 ? this.#state : { oneOf: this.#possible });
    expect(purges, context).toEqual([]);
    if (installation !== undefined) {
      expect([state, version, installation.onProbation], context).toEqual(["running", found.version, false]);
      expect(may, context).toEqual(grants);
      if (version === "2") expect(data, context).toEqual(startedOver(data, "2"));
    }
    this.#settleAudit(entries, match ?? found);
    this.#possible = [match ?? found];
  }

  #settleAudit(entries: ReadonlyMap<string, number>, found: State): void {
    const step = this.#unsettled;
    this.#unsettled = undefined;
    const unsure = step === undefined ? undefined : (LOGGED[step.kind] ?? (step.kind === "failing update" ? "update" : undefined));
    for (const action of new Set(Object.values(LOGGED))) {
      const extra = (entries.get(action) ?? 0) - (this.#logged.get(action) ?? 0);
      // The failing update is told of when it is committed, and taken back afterwards.
      const mayBeMore = action === unsure || action === "update";
      expect(extra === 0 || (mayBeMore && extra === 1), `${action}: ${extra} entries too many. ${this.#context()}`).toBe(true);
      if (step === undefined || action !== unsure || step.kind === "failing update") continue;
      const [before] = this.#possible;
      if (before === undefined || sameState(before, step.after)) continue;
      expect(sameState(found, step.after), `${action}: told and done must agree. ${this.#context()}`).toBe(extra === 1);
    }
    this.#logged = new Map(entries);
  }

  #expectNothingLeft(installation: Installation | undefined): void {
    const context = this.#context();
    const all = readdirSync(this.#data, { recursive: true }).map(String);
    expect(
      all.filter((name) => /unfinished|\.admitted\./.test(name)),
      context,
    ).toEqual([]);
    const needed = [installation?.package, installation?.previous?.package, installation?.pending?.package].filter(
      (id) => id !== undefined,
    );
    const packages = existsSync(join(this.#data, "packages")) ? readdirSync(join(this.#data, "packages")) : [];
    // What was rejected just now goes when it boots the next time.
    const rejected = this.#running().log.some((line) => line.includes("on_start failed")) ? 1 : 0;
    const surplus = packages.filter((name) => !needed.includes(name));
    expect(
      needed.filter((id) => !packages.includes(id)),
      context,
    ).toEqual([]);
    expect(surplus.length, `${surplus}: nobody needs them. ${context}`).toBeLessThanOrEqual(rejected);
    const ofThePlugin = all.filter((name) => /^(storage|snapshots)\/thing/.test(name));
    if (!this.#state.stored) expect(ofThePlugin, context).toEqual([]);
  }

  /** Looks at a copy of the folder as the killed host left it, so that the next host still finds it that way. */
  async #inspect(): Promise<void> {
    if (this.#isolation === "process") await eventually("the cells end with their host", () => cellsOf(this.#data) === 0 || undefined);
    const copy = join(this.#folder.path, "copy");
    rmSync(copy, { recursive: true, force: true });
    for (const name of readdirSync(this.#data, { recursive: true }).map(String)) {
      if (!/^(host\.sqlite(-wal)?|(storage|snapshots)\/.*(sqlite|-wal)|packages\/.*\.(json|wasm))$/.test(name)) continue;
      mkdirSync(dirname(join(copy, "data", name)), { recursive: true });
      copyFileSync(join(this.#data, name), join(copy, "data", name));
    }
    const context = this.#context();
    const data = join(copy, "data");
    const control = await openControl(parseConfiguration(JSON.stringify({ adapters: { http: false } }), join(copy, "bulkhead.json")));
    try {
      expect(await control.invoke<Verification>("verify"), context).toMatchObject({ ok: true });
      const installed = await control.invoke<Installation[]>("installations");
      for (const { package: id, previous, pending } of installed) {
        for (const one of [id, previous?.package, pending?.package]) if (one !== undefined) await new PackageStore(data).read(one);
      }
    } finally {
      await control[Symbol.asyncDispose]();
    }
    const host = new Database(join(data, "host.sqlite"));
    const granted = host.prepare<[], string>("SELECT DISTINCT plugin FROM grants EXCEPT SELECT plugin FROM installations").pluck().all();
    expect([host.pragma("integrity_check", { simple: true }), granted], context).toEqual(["ok", []]);
    host.close();
    for (const folder of ["storage", "snapshots"]) {
      if (!existsSync(join(data, folder))) continue;
      for (const name of readdirSync(join(data, folder)).filter((file) => file.endsWith(".sqlite"))) {
        const storage = new Database(join(data, folder, name));
        expect(storage.pragma("integrity_check", { simple: true }), `${basename(folder)}/${name}. ${context}`).toBe("ok");
        storage.close();
      }
    }
  }

  get #state(): State {
    return this.#possible[0] ?? NOTHING;
  }

  #running(): Victim {
    if (this.#host === undefined) throw this.#failure("no host runs");
    return this.#host;
  }

  /** A host that has loaded its code; the one after it does so meanwhile. */
  async #next(): Promise<Victim> {
    const configuration = join(this.#folder.path, "bulkhead.json");
    const next = this.#spare ?? new Victim(configuration);
    this.#spare = undefined;
    await next.ready();
    this.#spare = new Victim(configuration);
    return next;
  }

  #rarest(kinds: readonly Kind[]): Kind | undefined {
    return [...kinds].sort((a, b) => this.tally.interrupted[a] - this.tally.interrupted[b])[0];
  }

  #pick<T>(items: readonly T[]): T {
    const picked = items[Math.floor(this.#random() * items.length)];
    if (picked === undefined) throw this.#failure("nothing can be done");
    return picked;
  }

  #note(kind: Kind, ms: number): void {
    this.#durations.set(kind, [...(this.#durations.get(kind) ?? []), ms].slice(-5));
  }

  #typicalMs(kind: Kind): number {
    const sorted = [...(this.#durations.get(kind) ?? [10])].sort((a, b) => a - b);
    return sorted[Math.floor((sorted.length - 1) / 2)] ?? 10;
  }

  #context(): string {
    const last = this.#trail.slice(-6).join("\n  ");
    return `seed ${this.#seed}, after ${sum(this.tally.kills)} kills; last:\n  ${last}\n  log: ${this.#host?.log.join("; ") ?? ""}\n`;
  }

  #failure(what: string): Error {
    return new Error(`${what}. ${this.#context()}`);
  }
}

const versionOf = (installed: { readonly version: string } | undefined): Version | undefined =>
  installed?.version[0] as Version | undefined;
const sameState = (a: State, b: State): boolean => JSON.stringify(inOrder(a)) === JSON.stringify(inOrder(b));
const inOrder = ({ version, previous, grants, data }: State): unknown => [version ?? null, previous ?? null, grants, data];

// The folder stands on a cell's command line, as one that it may open.
function cellsOf(folder: string): number {
  const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return processes.filter((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, "latin1");
      return line.includes("process-main") && line.includes(folder);
    } catch {
      return false;
    }
  }).length;
}

describe("a host that is killed", () => {
  let specs: TemporaryFolder;
  let versions: Readonly<Record<Version | "3", string>>;

  beforeAll(async () => {
    specs = temporaryFolder();
    const write = (number: number, onStart?: string): Promise<string> =>
      writePlugin(join(specs.path, `v${number}`), "thing", source(number, onStart), {
        version: `${number}.0.0`,
        services: SERVICES,
        permissions: ASKS.map((asked) => ({ ...asked, reason: "to be tried" })),
      });
    versions = { 1: await write(1), 2: await write(2, MIGRATES), 3: await write(3, SPOILS) };
  });
  afterAll(() => specs.remove());

  it.each([
    ["inline", 100],
    ["process", 6],
  ])(
    "is in the old state or in the new one, with plugins in %s cells, %i times",
    async (isolation, interruptions) => {
      const folder = temporaryFolder();
      const seed = Number(process.env.CRASH_SEED ?? Math.floor(Math.random() * 2 ** 32));
      const experiment = new Experiment(folder, versions, isolation, seed);
      try {
        await experiment.run(interruptions);
      } finally {
        folder.remove();
        if (process.env.CRASH_REPORT !== undefined) console.log(JSON.stringify({ isolation, seed, ...experiment.tally }));
      }
      if (isolation === "inline") for (const kind of KINDS) expect(experiment.tally.interrupted[kind], kind).toBeGreaterThanOrEqual(5);
    },
    300_000,
  );
});
