// NATS as tests open it: one server for a run of vitest, and a part of its own for each test; or three servers that a test may end, halt and bring back.

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogSink } from "../../host/core/ports/log.ts";
import { type Nats, openNats } from "../../host/drivers/nats/connection.ts";
import { type BucketName, makeStreams, streamOf } from "../../host/drivers/nats/layout.ts";
import { type NatsOptions, natsOptions } from "../../host/drivers/nats/options.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";
import { programOf, startedServer } from "./servers.ts";

const silent: LogSink = { write() {} };

/** Of a cluster that nobody else knows. */
export async function natsOptionsOfTest(rest: Partial<NatsOptions> = {}): Promise<NatsOptions> {
  const { port } = await startedServer("nats");
  return natsOptions.parse({ servers: [`nats://127.0.0.1:${port}`], prefix: newPrefix(), ...rest });
}

const newPrefix = (): string => `t${randomUUID().replaceAll("-", "").slice(0, 14)}`;

/** With all streams that a cluster needs. */
export async function initialized(options: NatsOptions, replicas = 1): Promise<void> {
  await using connection = await openNats(options, silent);
  await makeStreams(connection, replicas);
}

/** The last revision that there is in a bucket. */
export async function headOf({ manager, options }: Nats, bucket: BucketName): Promise<number> {
  return (await manager.streams.info(streamOf(options.prefix, bucket))).state.last_seq;
}

interface NatsServers extends AsyncDisposable {
  readonly urls: readonly string[];
  readonly processes: readonly ChildProcess[];
  /** SIGKILL, and later the same one again with what it had. */
  kill(server: number): Promise<void>;
  start(server: number): void;
  halt(server: number): void;
  goOn(server: number): void;
}

/** Three, of which any two go on without the third. */
export async function threeNatsServers(): Promise<NatsServers> {
  const folder = mkdtempSync(join(tmpdir(), "bulkhead-nats-"));
  const ports = await Promise.all([0, 1, 2].map(() => freePort()));
  const routePorts = await Promise.all([0, 1, 2].map(() => freePort()));
  const routes = routePorts.map((port) => `"nats://127.0.0.1:${port}"`).join(", ");
  const processes: ChildProcess[] = [];
  const start = (server: number): void => {
    const file = join(folder, `${server}.conf`);
    writeFileSync(
      file,
      `server_name: "n${server}"
listen: "127.0.0.1:${ports[server]}"
jetstream { store_dir: "${join(folder, String(server))}", max_file_store: 4GB, max_memory_store: 64MB, sync_interval: always }
cluster { name: "bulkhead", listen: "127.0.0.1:${routePorts[server]}", routes: [${routes}] }
`,
    );
    processes[server] = spawn(programOf("nats-server") ?? "", ["-c", file], { stdio: "ignore" });
  };
  for (const server of [0, 1, 2]) start(server);
  const urls = ports.map((port) => `nats://127.0.0.1:${port}`);
  const ended = async (server: number): Promise<void> => {
    const child = processes[server];
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  };
  const options = natsOptions.parse({ servers: urls });
  // Until they have chosen who leads.
  await eventually("three NATS servers answer", () =>
    openNats(options, silent).then(
      (one) => one[Symbol.asyncDispose]().then(() => true),
      () => undefined,
    ),
  );
  return {
    urls,
    processes,
    kill: ended,
    start,
    halt: (server) => void processes[server]?.kill("SIGSTOP"),
    goOn: (server) => void processes[server]?.kill("SIGCONT"),
    async [Symbol.asyncDispose]() {
      for (const server of [0, 1, 2]) await ended(server);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
