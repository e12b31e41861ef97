// Servers that tests need and a machine may not have: one of each kind for a run of vitest, on 127.0.0.1 and a free port, started by the first file that asks
// and ended when the run has. What is missing is named, so that its tests are skipped with that name.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe } from "vitest";
import { eventually } from "./eventually.ts";

const START_MS = 60_000;
const MAIN = fileURLToPath(new URL("./server-main.ts", import.meta.url));

export type ServerKind = "postgres" | "redis" | "ferretdb" | "oci" | "nats";

export interface TestServer {
  readonly port: number;
  /** Of the server itself. */
  readonly pid: number;
}

export const PASSWORD = "a password of tests";

/** Where programs are that distributions put beside PATH, and what the gate built. */
const FOLDERS = [
  ...(process.env.PATH ?? "").split(":"),
  ...(existsSync("/usr/lib/postgresql") ? readdirSync("/usr/lib/postgresql").map((version) => `/usr/lib/postgresql/${version}/bin`) : []),
  ...["ferretdb", "nats"].map((name) => join(process.env.XDG_CACHE_HOME ?? join(process.env.HOME ?? "", ".cache"), "bulkhead-ci", name)),
];

const PROGRAMS: Readonly<Record<ServerKind, readonly string[]>> = {
  // The others of its version lie beside it.
  postgres: ["initdb", "pg_isready"],
  redis: ["redis-server"],
  ferretdb: ["ferretdb"],
  oci: ["docker-registry"],
  nats: ["nats-server"],
};

export const programOf = (name: string): string | undefined => FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path));

/** In words, what this machine has not; undefined when it has all. */
function missingFor(kind: ServerKind): string | undefined {
  const missing = PROGRAMS[kind].filter((name) => programOf(name) === undefined);
  return missing.length === 0 ? undefined : missing.join(", ");
}

/** `describe` where the server is there, else a skipped one whose title says what is not. */
export function describeWithServer(kind: ServerKind, title: string, tests: () => void): void {
  const missing = missingFor(kind);
  if (missing === undefined) describe(title, tests);
  else describe.skip(`${title} (skipped: ${missing} is not installed)`, tests);
}

/** The one of this run. */
export function startedServer(kind: ServerKind): Promise<TestServer> {
  const run = process.env.BULKHEAD_TEST_RUN ?? String(process.pid);
  const folder = join(tmpdir(), `bulkhead-servers-${run}`);
  mkdirSync(folder, { recursive: true });
  return server(kind, folder, run);
}

/** One that a test may end. */
export interface MortalServer extends TestServer {
  /** SIGKILL. What it started may answer for a while after it; who ends it again waits until it has come back. */
  kill(): Promise<void>;
}

/** One for a test that ends or halts it, until the test's process has ended. Whenever it ends, it comes back at the same port with what it had. */
export async function ownServer(kind: ServerKind): Promise<MortalServer> {
  const folder = mkdtempSync(join(tmpdir(), "bulkhead-servers-"));
  const first = await server(kind, folder, String(process.pid));
  const pidNow = (): number => (JSON.parse(readFileSync(join(folder, `${kind}.json`), "utf8")) as TestServer).pid;
  let killed = 0;
  return {
    ...first,
    async kill() {
      killed = await eventually(`${kind} runs again`, () => (pidNow() === killed ? undefined : pidNow()), START_MS);
      process.kill(killed, "SIGKILL");
    },
  };
}

async function server(kind: ServerKind, folder: string, untilEnded: string): Promise<TestServer> {
  const said = join(folder, `${kind}.json`);
  if (isFirst(join(folder, `${kind}.taken`)))
    spawn(process.execPath, [MAIN, kind, folder, untilEnded], { detached: true, stdio: "ignore" }).unref();
  await eventually(`${kind} runs`, () => existsSync(said) || undefined, START_MS);
  const found = JSON.parse(readFileSync(said, "utf8")) as TestServer | { readonly failed: string };
  if ("failed" in found) throw new Error(`${kind} does not start: ${found.failed}`);
  return found;
}

function isFirst(mark: string): boolean {
  try {
    mkdirSync(mark);
    return true;
  } catch {
    return false;
  }
}
