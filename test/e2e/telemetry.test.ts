// What a running host shows of its work, through the operations of the command: figures, the last traces, where CPU goes, and what it says where nothing is written down.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FoundTraces, Use, UsedNow } from "../../host/admin/telemetry-operations.ts";
import { treeOf } from "../../host/cli/trace.ts";
import type { ProfiledStack } from "../../host/core/ports/cell.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { bulkhead, type Ran } from "../support/command.ts";
import { memoryLog } from "../support/memory-log.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

let folder: TemporaryFolder;
let host: RunningHost | undefined;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  await host?.stop();
  folder.remove();
});

async function boot(rest: object = {}): Promise<void> {
  const plugin = (name: string): object => ({ path: ownPlugin(name), grants: "all" });
  const plugins = { devices: plugin("devices"), automation: plugin("automation"), logger: plugin("logger") };
  const configuration = JSON.stringify({ dataDir: "data", adapters: { http: { port: 0 } }, plugins, ...rest });
  host = await createHost({ configuration: parseConfiguration(configuration, `${folder.path}/bulkhead.json`), log: memoryLog() });
}

const command = (...args: readonly string[]): Promise<Ran> => bulkhead([...args, "--data", "data"], { cwd: folder.path });
async function shown<T>(...args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await command(...args, "--json");
  expect(code, stderr + stdout).toBe(0);
  return JSON.parse(stdout) as T;
}
const create = (id: string): Promise<Response> =>
  fetch(`${host?.url}/devices`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ id, name: "Lamp" }),
  });

describe("a running host", () => {
  it("shows a request in all its steps, over the cells of three plugins, by its id, its event and its failure", async () => {
    await boot();
    const [, traceId = ""] = (await create("lamp")).headers.get("traceparent")?.split("-") ?? [];
    await create("lamp");
    const { traces } = await shown<FoundTraces>("trace", traceId.slice(0, 31) + traceId[31]);
    expect(traces).toHaveLength(1);
    const placed = treeOf(traces[0]?.spans ?? []).map(
      ({ depth, span }) => `${depth} ${span.kind} ${span.owner} ${span.name || span.subject}`,
    );
    expect(placed).toEqual(
      expect.arrayContaining([
        ...["0 call http devices.create", "1 turn devices create", "2 host-call devices events.publish"],
        ...["2 event /plugins/devices devices.created", "3 turn automation on_event"],
      ]),
    );
    const turn = traces[0]?.spans.find(({ kind, owner }) => kind === "turn" && owner === "devices");
    expect(turn?.cpuMs).toBeGreaterThan(0);
    expect((turn?.queuedMs ?? 0) + (turn?.cpuMs ?? 0)).toBeLessThanOrEqual((turn?.durationMs ?? 0) + 1);
    const byEvent = await shown<FoundTraces>("trace", "--event", "devices.*");
    expect(byEvent.traces.map(({ traceId: id }) => id)).toEqual([traceId]);
    const failed = await shown<FoundTraces>("trace", "--failed", "--plugin", "devices");
    expect(failed.traces).toHaveLength(1);
    expect((await command("trace", "ffffffffffff")).code).not.toBe(0);
    expect((await command("trace")).stdout).toMatch(/devices create \(devices\.create\) {2}[\d.]+ m?s, queue .*, cpu /);
  });

  it("shows which plugin takes what, how services go, and where CPU goes", async () => {
    await boot();
    await create("lamp");
    await create("lamp");
    const top = await shown<{ plugins: UsedNow["plugins"] }>("top", "--once");
    expect(top.plugins.map(({ plugin }) => plugin).sort()).toEqual(["automation", "devices", "logger"]);
    const [service] = (await shown<readonly Use[]>("services")).filter(({ name }) => name === "devices.create");
    expect(service).toMatchObject({ provider: "devices", count: 2, failed: 1, lastFailure: { code: "refused" } });
    expect(service?.p95).toBeGreaterThan(0);
    expect((await command("metrics")).stdout).toContain('bulkhead_turns_total{plugin="devices",entry_point="create",code="ok"} 1');
    let going = true;
    const load = (async () => {
      for (let i = 0; going; i += 1) await create(`many-${i}`);
    })();
    const { code, stdout } = await command("profile", "devices", "--seconds", "1", "--folded");
    going = false;
    await load;
    expect(code).toBe(0);
    const stacks = stdout.trim().split("\n");
    expect(stacks.length).toBeGreaterThan(1);
    for (const line of stacks) expect(line).toMatch(/^\S.* \d+$/);
    const shares = await shown<readonly ProfiledStack[]>("profile", "logger", "--seconds", "1");
    expect(shares).toEqual([]);
    expect((await command("profile", "nobody")).code).not.toBe(0);
  });

  it("says so where the operator wants nothing written down", async () => {
    await boot({ telemetry: { record: "nothing" } });
    await create("lamp");
    for (const asked of [["metrics"], ["top", "--once"], ["services"], ["trace"]]) {
      const { code, stderr } = await command(...asked);
      expect(code, asked[0]).not.toBe(0);
      expect(stderr).toContain("telemetry.record");
    }
  });
});
