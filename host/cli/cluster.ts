// `bulkhead cluster`: what several hosts need of the NATS servers that they share, made and written down by whoever runs those.

import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { HostError } from "../core/errors.ts";
import { escapeControls, printable } from "../core/names.ts";
import { inboxOf, NATS_PACKAGES } from "../drivers/nats/options.ts";
import { permissionsOf } from "../drivers/nats/permissions.ts";
import { serversOfCluster } from "../lifecycle/clustered.ts";
import { openOurs } from "../lifecycle/foreign.ts";
import { conclude, print, stderrLog } from "./report.ts";
import { type DataOptions, readConfigurationOf, withDataOptions } from "./serve.ts";
import { say } from "./terminal.ts";

interface JsonOptions extends DataOptions {
  readonly json?: boolean;
}

const PACKAGES = { name: "the cluster", packages: NATS_PACKAGES };
const HOST = /^[a-z0-9][a-z0-9-]{0,62}$/;
/** Of a user, as nkeys are written. */
const PUBLIC_KEY = /^U[A-Z2-7]{55}$/;
const OWN_FILE = 0o600;

export function addCluster(program: Command): void {
  const cluster = program.command("cluster").description("what several hosts need of the NATS servers that they share");
  withDataOptions(
    cluster.command("init").description("make the streams of the cluster on the servers of cluster.nats, where they are not there"),
  )
    .option("--replicas <n>", "how many servers keep each of them: 1, 3 or 5; 3 where three servers are named, else 1", replicas)
    .option("--json", "print JSON on standard output")
    .action(init);
  cluster
    .command("key")
    .description("make the key by which the servers know a host; its file is cluster.nats.keyFile there")
    .argument("<file>", "where it is to lie; there must be none")
    .option("--json", "print JSON on standard output")
    .action(key);
  withDataOptions(
    cluster
      .command("permissions")
      .description("print what the servers are to let a host do, for the users of an account in their configuration"),
  )
    .argument("<host>", "its name, cluster.host there")
    .argument("<key>", 'its public key, which "bulkhead cluster key" prints')
    .action(permissions);
}

function replicas(text: string): number {
  if (!["1", "3", "5"].includes(text)) throw new InvalidArgumentError("write 1, 3 or 5");
  return Number(text);
}

async function init({ replicas: asked, ...options }: JsonOptions & { readonly replicas?: number }): Promise<void> {
  const servers = serversOfCluster(await readConfigurationOf(options));
  const { openNats, makeStreams } = await modules();
  await using nats = await openNats(servers, stderrLog);
  const made = await makeStreams(nats, asked ?? (servers.servers.length >= 3 ? 3 : 1));
  conclude(options.json, { made }, made.length === 0 ? "all streams are there already" : `made: ${made.join(", ")}`);
}

async function key(file: string, { json }: { readonly json?: boolean }): Promise<void> {
  const { newKey } = await modules();
  const { seed, publicKey } = newKey();
  const path = resolve(file);
  try {
    await writeFile(path, `${seed}\n`, { mode: OWN_FILE, flag: "wx" });
  } catch (cause) {
    const isThere = (cause as NodeJS.ErrnoException).code === "EEXIST";
    const why = isThere ? "is there already; name another file, or remove it" : "cannot be written; check who may";
    throw new HostError(isThere ? "conflict" : "invalid-message", `${escapeControls(path)} ${why}`, { cause });
  }
  print(json, { file: path, publicKey }, () => publicKey);
  if (json !== true) say(`${escapeControls(path)} is the host's key: it stays on its machine. What is printed is public`);
}

async function permissions(host: string, publicKey: string, options: DataOptions): Promise<void> {
  if (!HOST.test(host))
    throw new HostError(
      "invalid-message",
      `"${printable(host)}" is no name of a host; write 1 to 63 lower-case letters, digits and hyphens`,
    );
  if (!PUBLIC_KEY.test(publicKey))
    throw new HostError("invalid-message", `"${printable(publicKey)}" is no public key of a host; it begins with U and has 56 characters`);
  const { prefix } = serversOfCluster(await readConfigurationOf(options));
  const user = { nkey: publicKey, permissions: permissionsOf(prefix, host, inboxOf(publicKey)) };
  print(false, user, () => JSON.stringify(user, null, 2));
}

/** What of it needs the packages of NATS. */
const modules = () =>
  openOurs(PACKAGES, async () => ({ ...(await import("../drivers/nats/connection.ts")), ...(await import("../drivers/nats/layout.ts")) }));
