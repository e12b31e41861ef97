// The figures in the hands of Prometheus: its checker finds nothing wrong, it scrapes a running host with a token, and what we ship for it asks for what there is.

import { execFile, execFileSync, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openHostDatabase } from "../../host/admin/database.ts";
import { TokenStore } from "../../host/admin/tokens.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { Histogram } from "../../host/telemetry/histogram.ts";
import { metricsOf } from "../../host/telemetry/snapshot.ts";
import { Totals } from "../../host/telemetry/totals.ts";
import { read } from "../docs/markdown.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { memoryLog } from "../support/memory-log.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { programOf } from "../support/servers.ts";

const run = promisify(execFile);

let folder: TemporaryFolder;
let host: RunningHost;
let token: string;

beforeAll(async () => {
  folder = temporaryFolder();
  const plugin = (name: string): object => ({ path: ownPlugin(name), grants: "all" });
  const plugins = { devices: plugin("devices"), automation: plugin("automation"), logger: plugin("logger") };
  const configuration = JSON.stringify({ dataDir: "data", adapters: { http: { port: 0 }, "control-socket": false }, plugins });
  const parsed = parseConfiguration(configuration, join(folder.path, "bulkhead.json"));
  const database = openHostDatabase(parsed.dataDir);
  token = new TokenStore(database.connection, systemClock).create({
    ...{ name: "prometheus", roles: ["viewer"], owner: "user:test", expiresAt: undefined },
    scopes: [{ permission: "host.operate", resource: "admin.metrics" }],
  });
  database.close();
  host = await createHost({ configuration: parsed, log: memoryLog() });
  for (const id of ["one", "two"]) {
    const body = JSON.stringify({ id, name: "Lamp" });
    await fetch(`${host.url}/devices`, { method: "POST", headers: { "content-type": "application/json" }, body });
  }
});
afterAll(async () => {
  await host.stop();
  folder.remove();
});

const scrape = (headers: Record<string, string> = {}): Promise<Response> => fetch(`${host.url}/metrics`, { headers });

describe("GET /metrics", () => {
  it("tells nothing without a token, whoever may call services", async () => {
    const refused = await scrape();
    expect(refused.status).toBe(403);
    expect(await refused.text()).not.toContain("devices");
  });

  it("has the format that was asked for", async () => {
    const authorization = `Bearer ${token}`;
    const older = await scrape({ authorization });
    expect(older.headers.get("content-type")).toContain("text/plain; version=0.0.4");
    expect(await older.text()).toContain('bulkhead_turns_total{plugin="devices",entry_point="create",code="ok"} 2');
    const open = await scrape({ authorization, accept: "application/openmetrics-text;version=1.0.0,text/plain;q=0.5" });
    expect(open.headers.get("content-type")).toContain("application/openmetrics-text");
    expect(await open.text()).toMatch(/# EOF\n$/);
  });
});

describe("what we ship for Prometheus and Grafana", () => {
  const present = {
    ...{ version: "", plugins: [], cells: [], consumers: [], loopLag: new Histogram() },
    process: { cpuSeconds: 0, residentBytes: 0, uptimeSeconds: 0 },
  };
  const known = metricsOf(new Totals(), present).flatMap(({ name, kind }) =>
    kind === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [kind === "counter" ? `${name}_total` : name],
  );

  it.each(["docs/grafana.json", "docs/alerts.yml", "docs/metrics.md"])("%s asks for metrics that there are", (file) => {
    const asked = [...read(file).matchAll(/\bbulkhead_[a-z_]+/g)].map(([name]) => name);
    expect(asked.length).toBeGreaterThan(5);
    const histograms = known.filter((name) => name.endsWith("_count")).map((name) => name.replace(/_count$/, ""));
    expect(asked.filter((name) => ![...known, ...histograms].includes(name))).toEqual([]);
  });

  it("stand in docs/metrics.md, all of them", () => {
    const page = read("docs/metrics.md");
    for (const { name, kind } of metricsOf(new Totals(), present))
      expect(page).toContain(`| \`${kind === "counter" ? `${name}_total` : name}\` | ${kind} |`);
  });
});

const prometheus = programOf("prometheus");
const promtool = programOf("promtool");
if (prometheus === undefined || promtool === undefined) it.skip("with Prometheus itself (skipped: prometheus is not installed)", () => {});
else
  describe("Prometheus itself", () => {
    it("finds nothing wrong with the text of the metrics, nor with the rules", async () => {
      const text = await (await scrape({ authorization: `Bearer ${token}` })).text();
      expect(execFileSync(promtool, ["check", "metrics"], { input: text, encoding: "utf8" })).toBe("");
      writeFileSync(join(folder.path, "alerts.yml"), read("docs/alerts.yml"));
      const { stdout } = await run(promtool, ["check", "rules", join(folder.path, "alerts.yml")]);
      expect(stdout).toMatch(/SUCCESS: \d+ rules found/);
      const queries = JSON.parse(read("docs/grafana.json")).panels.flatMap((panel: { targets: { expr: string }[] }) =>
        panel.targets.map(({ expr }) => expr.replaceAll("$__rate_interval", "5m").replaceAll("$plugin", ".*")),
      );
      const rules = { groups: [{ name: "g", rules: queries.map((expr: string, i: number) => ({ record: `panel:${i}`, expr })) }] };
      writeFileSync(join(folder.path, "panels.yml"), JSON.stringify(rules));
      expect((await run(promtool, ["check", "rules", join(folder.path, "panels.yml")])).stdout).toContain(`${queries.length} rules found`);
    });

    it("scrapes a running host with a token, and answers with what it counted", async () => {
      const port = await freePort();
      writeFileSync(join(folder.path, "token"), token);
      const scraped = {
        job_name: "bulkhead",
        authorization: { credentials_file: join(folder.path, "token") },
        static_configs: [{ targets: [new URL(host.url ?? "").host] }],
      };
      writeFileSync(
        join(folder.path, "prometheus.yml"),
        JSON.stringify({ global: { scrape_interval: "1s" }, scrape_configs: [scraped], rule_files: [join(folder.path, "alerts.yml")] }),
      );
      writeFileSync(join(folder.path, "alerts.yml"), read("docs/alerts.yml"));
      const server = spawn(
        prometheus,
        [
          `--config.file=${join(folder.path, "prometheus.yml")}`,
          `--storage.tsdb.path=${join(folder.path, "tsdb")}`,
          `--web.listen-address=127.0.0.1:${port}`,
        ],
        { stdio: "ignore" },
      );
      const ended = new Promise((resolve) => server.once("exit", resolve));
      try {
        const query = async (text: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]> => {
          const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(text)}`).catch(() => undefined);
          if (answer?.ok !== true) return [];
          return ((await answer.json()) as { data: { result: [] } }).data.result;
        };
        const created = await eventually("it has scraped", async () => {
          const found = await query('bulkhead_turns_total{plugin="devices", entry_point="create"}');
          return found.length > 0 ? found : undefined;
        });
        expect(created.map(({ metric, value }) => [metric.code, value[1]])).toEqual([["ok", "2"]]);
        const slow = await query("histogram_quantile(0.95, sum by (le) (bulkhead_turn_seconds_bucket))");
        expect(Number(slow[0]?.value[1])).toBeGreaterThan(0);
        expect(await query("up{job='bulkhead'} == 1")).toHaveLength(1);
      } finally {
        server.kill("SIGTERM");
        await ended;
      }
    });
  });
