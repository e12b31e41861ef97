// Turns that fail in a whole host: kept where the operator wants it, sealed and bounded, read by the command and told in the audit log, and run again without the host.

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ListedRecords } from "../../host/admin/record-operations.ts";
import type { TurnRecord } from "../../host/bounds/turn-record.ts";
import type { Replayed } from "../../host/cell/replay/replaying.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { WITNESS } from "../replay/witness.wat.ts";
import { bulkhead, type Ran } from "../support/command.ts";
import { type MemoryLog, memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

/** Like the witness, but that what fails by what is stored does not. */
const MENDED = WITNESS.replace(
  "(call $fail (call $storage_get (call $input))))",
  "(drop (call $storage_get (call $input))) (i32.const 0))",
);
const OTHERWISE = WITNESS.replace(
  "(call $fail (call $storage_get (call $input))))",
  "(call $fail (call $storage_get (call $text (i32.const 40) (i32.const 4)))))",
);
const SECRET = "what nobody else is to read";
const READER = [{ permission: "host.operate", resource: "admin.read-record" }];
const services = Object.fromEntries(
  ["put", "fail_stored", "fail_random", "fail_called", "verify", "fail_verified", "spin", "well"].map((entryPoint) => [
    `witness.${entryPoint.replaceAll("_", "-")}`,
    { entryPoint },
  ]),
);
const MANIFEST = { services, api: "0.2", permissions: [{ permission: "services.call", resource: "other.*", reason: "to ask" }] };

describe("turns that fail", () => {
  let folder: TemporaryFolder;
  let host: RunningHost;
  let log: MemoryLog;
  const run = (...args: readonly string[]): Promise<Ran> => bulkhead(args, { cwd: folder.path });
  const json = async <T>(...args: readonly string[]): Promise<T> => {
    const { stdout, stderr } = await run(...args, "--json");
    try {
      return JSON.parse(stdout) as T;
    } catch {
      throw new Error(`${stdout}${stderr}`);
    }
  };
  const records = (): string => join(folder.path, "data", "records");
  const files = (): string[] => (existsSync(records()) ? readdirSync(records()) : []);
  const boot = async (section: object = { record: "failures" }, rest: object = {}): Promise<void> => {
    const text = JSON.stringify({
      ...{ adapters: { http: false }, containment: { pauseAfter: 100_000, quarantineAfter: 100_000 }, ...rest },
      plugins: { witness: { path: "witness", grants: "all", ...section } },
    });
    writeFileSync(join(folder.path, "bulkhead.json"), text);
    log = memoryLog();
    host = await createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")), log });
  };
  const fails = (service: string, input?: unknown): Promise<unknown> =>
    host.call(`witness.${service}`, input).catch((thrown: unknown) => thrown);
  const onlyId = async (): Promise<string> => {
    const { records: listed } = await json<ListedRecords>("records", "list");
    expect(listed).toHaveLength(1);
    return listed[0]?.id ?? "";
  };

  beforeEach(async () => {
    folder = temporaryFolder();
    await writePlugin(folder.path, "witness", WITNESS, MANIFEST);
  });
  afterEach(async () => {
    await host.stop();
    folder.remove();
  });

  it("are kept, sealed, for the host's user alone, and run again the same way while the host runs and after it", async () => {
    await boot();
    await host.call("witness.put", SECRET);
    await fails("fail-stored", SECRET);
    expect(statSync(records()).mode & 0o777).toBe(0o700);
    const [file = ""] = files();
    expect(statSync(join(records(), file)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(records(), file)).includes(SECRET)).toBe(false);
    expect(readFileSync(join(records(), file)).includes(Buffer.from(SECRET).toString("base64").slice(4, 24))).toBe(false);
    const id = await onlyId();
    expect(log.lines).toContainEqual(
      expect.objectContaining({ plugin: "witness", record: id, message: expect.stringContaining(`bulkhead replay ${id}`) }),
    );
    expect((await run("trace", "--failed")).stdout).toContain(`plugin-failed (record ${id})`);
    const replayed = await json<Replayed>("replay", id);
    expect(replayed).toMatchObject({ verdict: "same", build: "same", before: 1, notes: [], recorded: { code: "plugin-failed" } });
    expect(replayed.lines).toEqual([{ level: "warning", message: JSON.stringify(SECRET) }]);
    await host.stop();
    const { code, stdout } = await run("replay", id);
    expect(code, stdout).toBe(0);
    expect(stdout).toContain("the same build: same");
    const audit =
      await json<readonly { readonly action: string; readonly subject: string; readonly actor: string; readonly detail: object }[]>(
        "audit",
      );
    const read = audit.filter(({ action }) => action === "read-record");
    expect(read).toHaveLength(2);
    expect(read[0]).toMatchObject({ subject: "witness", actor: expect.stringMatching(/^user:/), detail: { id } });
  });

  it("end otherwise in a build that is mended, and differ where one asks for something else", async () => {
    await boot();
    await host.call("witness.put", "key");
    await fails("fail-stored", "key");
    const id = await onlyId();
    await writePlugin(join(folder.path, "mended"), "witness", MENDED, MANIFEST);
    await writePlugin(join(folder.path, "otherwise"), "witness", OTHERWISE, MANIFEST);
    const mended = await run("replay", id, "--plugin", "mended/witness");
    expect(mended).toMatchObject({ code: 1, stdout: expect.stringMatching(/another build: different\n {2}it ends well\n/) });
    const otherwise = await json<Replayed>("replay", id, "--plugin", "otherwise/witness");
    expect(otherwise).toMatchObject({
      verdict: "diverged",
      why: `call 1, storage.get, has other arguments: "done"; they were "\\"key\\""`,
      divergence: { step: 0, why: "other-arguments", asked: "storage.get" },
    });
    // The next replay is of the folder that is configured, which is another now.
    await writePlugin(folder.path, "witness", MENDED, MANIFEST);
    expect(await json<Replayed>("replay", id)).toMatchObject({ verdict: "different", build: "another" });
  });

  it("never have what functions of crypto are asked and answer, and are run again with a value that is given", async () => {
    await boot();
    await fails("fail-verified", SECRET);
    const id = await onlyId();
    const record = await json<TurnRecord>("records", "show", id);
    expect(record.tape.turn.calls.map(({ name, masked, args, answer }) => [name, masked, args, answer === undefined])).toEqual([
      ["crypto.password-verify", true, undefined, true],
      ["storage.set", undefined, undefined, false],
    ]);
    const without = await run("replay", id);
    expect(without.code).toBe(1);
    expect(without.stdout).toContain(
      "needs the answer of crypto.password-verify (call 1), which is never recorded; give it with --answer crypto.password-verify=FILE",
    );
    writeFileSync(join(folder.path, "answer"), "false");
    const given = await json<Replayed>("replay", id, "--answer", "crypto.password-verify=answer");
    expect(given).toMatchObject({ verdict: "different", error: { code: "plugin-failed", message: expect.stringContaining("false") } });
    expect(given).not.toHaveProperty("divergence");
  });

  it("are not kept by default, nor of who says who people are, nor what a plugin refuses", async () => {
    await boot({});
    await fails("fail-random");
    expect(files()).toEqual([]);
    await host.stop();
    const contributes = { authenticate: { service: "witness.well", schemes: ["password"] } };
    await writePlugin(folder.path, "witness", WITNESS, { ...MANIFEST, contributes });
    await boot();
    expect(log.lines.map(({ message }) => message).join("\n")).toContain("plugins.witness.record has no effect");
    await fails("fail-random");
    expect(files()).toEqual([]);
  });

  it("are read at a door by none but who is granted it", async () => {
    await boot(undefined, { adapters: { http: { port: 0 } }, auth: { mode: "required", roles: { reader: READER } } });
    await fails("fail-stored", SECRET);
    const id = await onlyId();
    const asked = async (role: string, operation: string, body: object): Promise<{ status: number; text: string }> => {
      const { stdout } = await run("token", "create", `of-${role}-${operation}`, "--role", role);
      const headers = { authorization: `Bearer ${stdout.trim()}`, "content-type": "application/json" };
      const answer = await fetch(`${host.url}/v1/admin/${operation}`, { method: "POST", headers, body: JSON.stringify(body) });
      return { status: answer.status, text: await answer.text() };
    };
    for (const role of ["viewer", "operator"]) {
      const listed = await asked(role, "records", {});
      expect(listed).toMatchObject({ status: 200, text: expect.stringContaining(id) });
      expect(listed.text).not.toContain("nobody else");
      const denied = await asked(role, "read-record", { id });
      expect(denied).toMatchObject({ status: 403, text: expect.stringContaining("permission-denied") });
      expect((await asked(role, "drop-records", { ids: [id] })).status).toBe(403);
    }
    expect((await asked("reader", "read-record", { id })).status).toBe(200);
    expect((await asked("admin", "read-record", { id })).status).toBe(200);
    const audit = await json<readonly { readonly action: string; readonly actor: string; readonly detail: object }[]>("audit");
    expect(audit.filter(({ action }) => action === "read-record").map(({ actor }) => actor)).toEqual([
      expect.stringContaining("of-reader-read-record"),
      expect.stringContaining("of-admin-read-record"),
    ]);
  });

  it("are exported with a look at all that is in them, and run again from the file", async () => {
    await boot();
    await fails("fail-stored", "key");
    const id = await onlyId();
    const exported = await run("records", "export", id, "--to", "record.json");
    expect(exported.stdout).toContain('input: "key"');
    expect(exported.stdout).toContain('call 1: storage.get("key") → ');
    expect(exported.stderr).toContain("readable by whoever has the file");
    expect(statSync(join(folder.path, "record.json")).mode & 0o777).toBe(0o600);
    expect(await run("records", "export", id, "--to", "record.json")).toMatchObject({ code: expect.not.toSatisfy((n: number) => n === 0) });
    expect(await json<Replayed>("replay", "record.json")).toMatchObject({ verdict: "same" });
    mkdirSync(join(folder.path, "witness", "test"));
    const places = ["--to", "witness/test/record.json", "--test", "witness/test/failed.test.mjs", "--plugin", "witness"];
    const withTest = await run("records", "export", id, ...places);
    expect(withTest.stdout).toContain('replayRecord(new URL("./record.json", import.meta.url), new URL("..", import.meta.url))');
    const failing = await run("test", "witness", "--no-build");
    expect(failing).toMatchObject({ code: 1, stdout: expect.stringContaining("it ends as it did: plugin-failed") });
    await writePlugin(folder.path, "witness", MENDED, MANIFEST);
    const passing = await run("test", "witness", "--no-build");
    expect(passing.code, passing.stdout).toBe(0);
    writeFileSync(
      join(folder.path, "forged.json"),
      readFileSync(join(folder.path, "record.json"), "utf8").replace('"format": 1', '"format": 2'),
    );
    expect(await run("replay", "forged.json")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("the record of a turn is malformed: format"),
    });
    expect(await run("records", "drop", id)).toMatchObject({ code: 0, stderr: "dropped 1 records\n" });
    expect(files()).toEqual([]);
    expect(await run("replay", id)).toMatchObject({ code: 2, stderr: expect.stringContaining(`there is no record ${id}`) });
  });
});
