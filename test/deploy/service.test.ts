// The systemd unit: systemd takes it, and under the rights that it gives a host holds its cells by what the unit promises.

import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { configurationOf } from "../../host/manifest/configuration.ts";
import { ROOT, read } from "../docs/markdown.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";
import { programOf } from "../support/servers.ts";

const UNIT = "deploy/bulkhead.service";
const DROP_IN = "deploy/bulkhead-root.conf";
/** Systemd's own measure, from 0 to 10, times ten: below 50 it calls a unit "OK". A little more than what systemd 252 says, since others count otherwise. */
const MOST_EXPOSED = { [UNIT]: 35, [DROP_IN]: 49 };
/** As in the image; nobody's. */
const ORDINARY = 10_001;
const ECHO = '(module (func (export "run") (result i32) (i32.const 0)))';

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

/** The last value of each key, as systemd reads it where none is a list. */
const settingsOf = (...files: string[]): ReadonlyMap<string, string> =>
  new Map(files.flatMap((file) => [...read(file).matchAll(/^(\w+)=(.*)$/gm)].map(([, key = "", value = ""]) => [key, value] as const)));

const analyze = programOf("systemd-analyze");

describe.skipIf(analyze === undefined)(
  `the unit, asked of systemd${analyze === undefined ? " (skipped: systemd is not installed)" : ""}`,
  () => {
    const ask = (...args: string[]): SpawnSyncReturns<string> => spawnSync(analyze ?? "", args, { encoding: "utf8" });
    /** As it would be installed, but for where Node is on this machine. */
    const install = (withDropIn: boolean): string => {
      const unit = join(folder.path, "bulkhead.service");
      writeFileSync(unit, read(UNIT).replace("ExecStart=/usr/bin/node", `ExecStart=${process.execPath}`));
      if (!withDropIn) return unit;
      mkdirSync(`${unit}.d`);
      writeFileSync(join(`${unit}.d`, "root.conf"), read(DROP_IN));
      return unit;
    };

    it.each([UNIT, DROP_IN] as const)("is one, without a word of complaint (%s)", (file) => {
      expect(ask("verify", "--man=no", install(file === DROP_IN))).toMatchObject({ status: 0, stderr: "" });
    });

    it.each([UNIT, DROP_IN] as const)("leaves the host no more than it needs (%s)", (file) => {
      const unit = install(file === DROP_IN);
      expect(ask("security", "--offline=true", `--threshold=${MOST_EXPOSED[file]}`, "--no-pager", unit)).toMatchObject({ status: 0 });
      expect(ask("security", "--offline=true", "--threshold=5", "--no-pager", unit).status).not.toBe(0);
    });
  },
);

describe("the unit", () => {
  const unit = settingsOf(UNIT);

  it("waits longer than a host with the defaults takes to stop", () => {
    const { drainMs, shutdownDelayMs } = configurationOf({ dataDir: folder.path });
    expect(Number(unit.get("TimeoutStopSec")) * 1_000).toBeGreaterThan(shutdownDelayMs + 2 * drainMs);
  });

  it("leaves out what ends bubblewrap for an ordinary user, and what ends V8", () => {
    for (const key of [
      "RestrictNamespaces",
      "ProtectKernelTunables",
      "ProtectKernelLogs",
      "ProcSubset",
      "MemoryDenyWriteExecute",
      "PrivateUsers",
    ])
      expect(unit.has(key), key).toBe(false);
    expect(unit.get("RestrictAddressFamilies")).toContain("AF_NETLINK");
    expect(unit.get("SystemCallFilter")).toContain("@mount");
  });
});

/** Of the process and all below it. */
function usersBelow(pid: number): number[] {
  try {
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" "),
    );
    const below = children.map(Number).filter((child) => child > 0);
    return [statSync(`/proc/${pid}`).uid, ...below.flatMap(usersBelow)];
  } catch {
    // It has ended meanwhile, as those do that check modules.
    return [];
  }
}

const isHere = process.platform === "linux" && process.getuid?.() === 0 && programOf("bwrap") !== undefined;

/** A host with a plugin in a process cell, as the user and with the capabilities of the unit. What it logs from warnings on, and how the plugin is. */
async function serveAs(
  user: number,
  capabilities: string,
): Promise<{ readonly state: string | undefined; readonly warnings: string[]; readonly users: Set<number> }> {
  // Whatever folder the checkout lies in, this user must be able to read it.
  const code = join(folder.path, "code");
  const places = readdirSync(ROOT, { withFileTypes: true }).filter((entry) =>
    ["dist", "node_modules", "wit", "schemas", "proto"].includes(entry.name),
  );
  chmodSync(folder.path, 0o755);
  for (const { name } of places) mkdirSync(join(code, name), { recursive: true });
  writeFileSync(join(code, "package.json"), read("package.json"));
  const home = join(folder.path, "home");
  // As /var/lib is: a cell with a user of its own passes through, where it has no root of its own.
  mkdirSync(home, { mode: 0o755 });
  await writePlugin(home, "p", ECHO, { services: { "p.run": { entryPoint: "run" } } });
  writeFileSync(
    join(home, "bulkhead.json"),
    JSON.stringify({ adapters: { http: false }, drivers: { log: { level: "warning" } }, plugins: { p: { path: "p" } } }),
  );
  for (const path of ["", "p", "p/plugin.wasm", "p/plugin.json", "bulkhead.json"]) chownSync(join(home, path), user, user);
  const mounts = places.map(({ name }) => `mount --bind '${join(ROOT, name)}' '${join(code, name)}'`);
  const bounding = capabilities
    .split(" ")
    .filter((name) => name !== "")
    .map((name) => `,+${name.replace("CAP_", "").toLowerCase()}`)
    .join("");
  const become = `setpriv --reuid=${user} --regid=${user} --clear-groups --no-new-privs --bounding-set=-all${bounding}`;
  const script = [...mounts, `cd '${home}'`, `exec ${become} '${process.execPath}' '${join(code, "dist/cli/main.js")}' serve`].join(" && ");
  const child = spawn("unshare", ["-m", "sh", "-c", script], { stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env.PATH ?? "" } });
  let logged = "";
  let said = "";
  child.stdout.on("data", (piece) => {
    logged += String(piece);
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  for await (const piece of child.stderr) {
    said += String(piece);
    if (said.includes("Ctrl-C stops")) break;
  }
  const users = new Set(usersBelow(child.pid ?? 0));
  child.kill("SIGTERM");
  await ended;
  return {
    state: /p 1\.0\.0: (\w+) \(process\)/.exec(said)?.[1] ?? said,
    warnings: logged.split("\n").filter((line) => line !== ""),
    users,
  };
}

describe.skipIf(!isHere)(`a host with the rights of the unit${isHere ? "" : " (skipped: needs Linux, root and bubblewrap)"}`, () => {
  it("holds its cells by bubblewrap, as an ordinary user", async () => {
    const { CapabilityBoundingSet: capabilities = "" } = Object.fromEntries(settingsOf(UNIT));
    expect(capabilities).toBe("");
    const { state, warnings, users } = await serveAs(ORDINARY, capabilities);
    expect(warnings).toEqual([]);
    expect(state).toBe("running");
    expect(users).toEqual(new Set([ORDINARY]));
  });

  it("gives cells users of their own besides, with the drop-in for root", async () => {
    const { CapabilityBoundingSet: capabilities = "" } = Object.fromEntries(settingsOf(UNIT, DROP_IN));
    expect(capabilities).toMatch(/^CAP_/);
    const { state, warnings, users } = await serveAs(0, capabilities);
    expect(warnings).toEqual([]);
    expect(state).toBe("running");
    expect([...users].some((user) => user >= 60_706)).toBe(true);
  });

  // docs/operations.md#in-a-container, where namespaces cannot be made.
  it("gives cells users of their own with less, and says what falls away without bubblewrap", async () => {
    const [, capabilities = ""] = /`cap_add: \[([A-Z_, ]+)\]`/.exec(read("docs/operations.md")) ?? [];
    const { state, warnings, users } = await serveAs(0, capabilities.replaceAll(",", ""));
    expect(warnings).toEqual([expect.stringContaining("bwrap does not work here")]);
    expect(warnings[0]).not.toContain("host.sqlite");
    expect(state).toBe("running");
    expect([...users].some((user) => user >= 60_706)).toBe(true);
  });
});
