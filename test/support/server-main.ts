// Runs one server for tests until the process has ended that it is for, whatever ended it; then nothing is left of it.

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { dirname, join } from "node:path";
import { PASSWORD, programOf, type ServerKind } from "./servers.ts";

const POLL_MS = 200;
const MAX_STARTS = 100;
const [kind, folder, watched] = process.argv.slice(2) as [ServerKind, string, string];
const data = join(folder, `${kind}.data`);

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { readonly port: number };
      probe.close(() => resolve(port));
    });
  });

function answers(port: number): Promise<boolean> {
  if (kind === "postgres") return Promise.resolve(isReady(port));
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** It takes connections long before it answers. */
function isReady(port: number): boolean {
  return spawnSync(programOf("pg_isready") ?? "", ["-q", "-h", "127.0.0.1", "-p", String(port)], { stdio: "ignore" }).status === 0;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** PostgreSQL does not run as root. */
function userOfServers(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

function startPostgres(port: number): ChildProcess {
  const user = userOfServers();
  const isNew = !existsSync(data);
  mkdirSync(data, { recursive: true });
  const secret = join(folder, "postgres.password");
  writeFileSync(secret, PASSWORD);
  // The folder of a test is its user's own; this lets the server's user through, and nothing more.
  chmodSync(folder, 0o711);
  if (user !== undefined) for (const path of isNew ? [data, secret] : []) chownSync(path, user.uid, user.gid);
  const flags = ["-D", data, "-U", "postgres", "-A", "scram-sha-256", `--pwfile=${secret}`, "-E", "UTF8", "--locale=C", "--no-sync"];
  const initdb = programOf("initdb") ?? "";
  if (isNew) execFileSync(initdb, flags, { ...user, cwd: "/", stdio: "ignore" });
  const settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "shared_buffers=32MB", "max_connections=100"];
  const args = ["-D", data, "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])];
  return spawn(join(dirname(initdb), "postgres"), args, { ...user, cwd: "/", stdio: "ignore" });
}

function startRedis(port: number): ChildProcess {
  mkdirSync(data, { recursive: true });
  const flags = ["--bind", "127.0.0.1", "--dir", data, "--save", "", "--appendonly", "yes", "--requirepass", PASSWORD];
  return spawn(programOf("redis-server") ?? "", ["--port", String(port), ...flags], { stdio: "ignore" });
}

function startFerret(port: number): ChildProcess {
  mkdirSync(data, { recursive: true });
  return spawn(programOf("ferretdb") ?? "", [`127.0.0.1:${port}`, "sqlite", `file:${data}/`], { stdio: "ignore", cwd: data });
}

/** The registry of Docker, which is one of OCI. */
function startRegistry(port: number): ChildProcess {
  mkdirSync(data, { recursive: true });
  const configuration = {
    version: 0.1,
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: data }, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${port}` },
  };
  const file = join(folder, "oci.yml");
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(configuration));
  return spawn(programOf("docker-registry") ?? "", ["serve", file], { stdio: "ignore" });
}

function startNats(port: number): ChildProcess {
  mkdirSync(data, { recursive: true });
  const file = join(folder, "nats.conf");
  writeFileSync(file, `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${data}", max_file_store: 1TB, max_memory_store: 256MB }\n`);
  return spawn(programOf("nats-server") ?? "", ["-c", file], { stdio: "ignore" });
}

const START: Readonly<Record<ServerKind, (port: number) => ChildProcess>> = {
  postgres: startPostgres,
  redis: startRedis,
  ferretdb: startFerret,
  oci: startRegistry,
  nats: startNats,
};

function tell(found: object): void {
  const unfinished = join(folder, `${kind}.unfinished`);
  writeFileSync(unfinished, JSON.stringify(found));
  renameSync(unfinished, join(folder, `${kind}.json`));
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Until it ends, or nobody needs it. */
async function serve(port: number): Promise<"ended" | "not needed"> {
  const child = START[kind](port);
  let isRunning = true;
  child.once("exit", () => {
    isRunning = false;
  });
  while (isRunning && !(await answers(port))) await sleep(50);
  if (isRunning) tell({ port, pid: child.pid });
  while (isRunning && isThere(Number(watched))) await sleep(POLL_MS);
  if (!isRunning) return "ended";
  // A halted one is not ended by anything milder.
  child.kill("SIGKILL");
  while (isRunning) await sleep(POLL_MS);
  return "not needed";
}

try {
  const port = await freePort();
  for (let starts = 0; starts < MAX_STARTS && (await serve(port)) === "ended"; starts += 1) await sleep(POLL_MS);
} catch (thrown) {
  tell({ failed: String(thrown) });
  while (isThere(Number(watched))) await sleep(POLL_MS);
}
rmSync(folder, { recursive: true, force: true });
