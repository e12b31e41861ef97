// A host whose start fails, at each step in turn: it says why, and whatever was opened is closed, so that the next one starts on the same folder.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHost, parseConfiguration } from "../../host/index.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

/** Writes down what is opened and closed; fails where its options say so. */
const PROBE = `
import { appendFileSync } from "node:fs";
const note = (line) => appendFileSync(new URL("./notes", import.meta.url), line + "\\n");
const thing = (name) => ({ [Symbol.asyncDispose]: async () => note("close " + name) });
export const adapter = {
  name: "probe",
  options: { safeParse: (data) => ({ success: true, data }) },
  async open(_opening, { fail }) {
    if (fail === "open") throw new Error("the probe does not open");
    note("open object");
    return thing("object");
  },
  async start(_context, { fail }) {
    if (fail === "start") throw new Error("the probe does not start");
    note("open door");
    return thing("door");
  },
};
export const driver = {
  name: "log",
  options: { safeParse: (data) => ({ success: true, data }) },
  async open(_opening, { fail }) {
    if (fail === "log") throw new Error("the log does not open");
    note("open log");
    return { write() {}, ...thing("log") };
  },
};
`;

interface Step {
  readonly configuration?: Readonly<Record<string, unknown>>;
  /** What the probe's options say. */
  readonly fail?: string;
  /** Prepares the folder, and answers what puts it right again. */
  readonly break?: (folder: string) => (() => void) | undefined;
  readonly says: RegExp;
  /** How far it came. */
  readonly opened: readonly string[];
}

const BEFORE_OBJECT = ["log"];
const ALL = ["log", "object"];
const STEPS: Readonly<Record<string, Step>> = {
  "the log's options": { configuration: { drivers: { log: { driver: "json", level: "loud" } } }, says: /drivers\.log/, opened: [] },
  "the log": { configuration: { drivers: { log: { driver: "./probe.mjs", fail: "log" } } }, says: /the log does not open/, opened: [] },
  "the data folder": {
    break: (folder) => {
      writeFileSync(join(folder, "data"), "a file");
      return () => {};
    },
    says: /is no folder/,
    opened: BEFORE_OBJECT,
  },
  "the host's database": {
    break: (folder) => {
      mkdirSync(join(folder, "data"), { mode: 0o700 });
      writeFileSync(join(folder, "data", "host.sqlite"), "this is no database at all, but long enough to look like something");
      return () => {};
    },
    says: /host\.sqlite/,
    opened: BEFORE_OBJECT,
  },
  "an adapter that is not there": {
    configuration: { adapters: { "@nobody/here": {} } },
    says: /adapters\.@nobody\/here/,
    opened: BEFORE_OBJECT,
  },
  "the storage driver": { configuration: { drivers: { storage: "stone" } }, says: /"stone".*memory, sqlite/, opened: BEFORE_OBJECT },
  "a capability's options": { configuration: { capabilities: { http: { speed: 1 } } }, says: /capabilities\.http/, opened: BEFORE_OBJECT },
  "a capability that is not there": { configuration: { capabilities: { teleport: {} } }, says: /teleport/, opened: BEFORE_OBJECT },
  "an adapter's options": { configuration: { adapters: { http: { prot: 1 } } }, says: /adapters\.http/, opened: BEFORE_OBJECT },
  "what an adapter opens": { fail: "open", says: /does not open/, opened: BEFORE_OBJECT },
  "the folder of storage": {
    break: (folder) => {
      mkdirSync(join(folder, "data"), { mode: 0o700 });
      writeFileSync(join(folder, "data", "storage"), "a file");
      return () => {};
    },
    says: /storage/,
    opened: BEFORE_OBJECT,
  },
  "the grants": {
    break: (folder) => {
      // Made by a host that started and stopped before.
      const database = new Database(join(folder, "data", "host.sqlite"));
      database.exec("ALTER TABLE grants RENAME TO lost");
      database.close();
      return () => {
        const again = new Database(join(folder, "data", "host.sqlite"));
        again.exec("ALTER TABLE lost RENAME TO grants");
        again.close();
      };
    },
    says: /grants/,
    opened: ALL,
  },
  "an adapter's door, beside those that are open": { fail: "start", says: /does not start/, opened: ALL },
};

describe("a start that fails", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
    writeFileSync(join(folder.path, "probe.mjs"), PROBE);
    writeFileSync(join(folder.path, "notes"), "");
  });
  afterEach(() => folder.remove());

  const boot = async ({ configuration = {}, fail = "" }: Pick<Step, "configuration" | "fail">, port: number, data = "data") => {
    const { adapters = {}, drivers = {}, ...rest } = configuration as Record<string, object>;
    const text = JSON.stringify({
      ...rest,
      dataDir: data,
      adapters: { http: { port }, "./probe.mjs": { fail }, ...adapters },
      drivers: { log: { driver: "./probe.mjs", fail }, ...drivers },
    });
    return createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")) });
  };
  const notes = (kind: string): string[] =>
    readFileSync(join(folder.path, "notes"), "utf8")
      .split("\n")
      .filter((line) => line.startsWith(`${kind} `))
      .map((line) => line.slice(kind.length + 1));
  const held = (): string[] => process.getActiveResourcesInfo().filter((kind) => /TCPServer|Pipe|Process|FSEvent/.test(kind));

  it.each(Object.entries(STEPS))("at %s closes all that was opened", async (name, step) => {
    if (name === "the grants") await (await boot({}, 0)).stop();
    writeFileSync(join(folder.path, "notes"), "");
    const port = await freePort();
    const mend = step.break?.(folder.path);
    const before = held().length;
    await expect(boot(step, port)).rejects.toSatisfy((thrown: Error & { detail?: string }) =>
      step.says.test(`${thrown.message} ${thrown.detail ?? ""} ${String(thrown.cause ?? "")}`),
    );
    mend?.();
    expect(notes("open")).toEqual(step.opened);
    expect(notes("close")).toEqual(step.opened.toReversed());
    await eventually("everything to be closed", () => (held().length <= before ? true : undefined));
    // The folder's lock and the port are free again.
    const again = await boot({}, port, step.break === undefined || name === "the grants" ? "data" : "other");
    await again.stop();
    expect(notes("close").slice(step.opened.length)).toEqual(["door", "object", "log"]);
  });

  it("says which log is whose when one is given", async () => {
    const log = memoryLog();
    const text = JSON.stringify({ adapters: { http: { port: 0 } } });
    const host = await createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")), log });
    await host.stop();
    expect(notes("open")).toEqual([]);
  });
});
