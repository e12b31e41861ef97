// The connection to NATS: one for all drivers of a host that name the same servers. It comes back by itself, and is refused where the server is too old to do
// what it is asked. Nothing waits for ever, which the client would by default. All of NATS' packages is here.

import { type JetStreamApiError, type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, headers, type NatsConnection, nkeyAuthenticator, nkeys } from "@nats-io/transport-node";
import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { LogSink } from "../../core/ports/log.ts";
import { inboxOf, type NatsOptions, natsAddress } from "./options.ts";

export { type ConsumerMessages, DeliverPolicy, type JsMsg, type StreamConfig } from "@nats-io/jetstream";
export { headers };

export interface Nats extends AsyncDisposable {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly options: NatsOptions;
}

/** JetStream's API levels: 4 came with 2.14, and an older server leaves out what it does not know without a word. */
const MIN_API_LEVEL = 4;
const RECONNECT_MS = 250;
const PING_MS = 2_000;
const MAX_PINGS_OUT = 2;
const WRONG_LAST_SEQUENCE: ReadonlySet<number> = new Set([10_071, 10_164]);

interface Shared {
  readonly opened: Promise<Nats>;
  users: number;
}

const shared = new Map<string, Shared>();

/** To be disposed of by each who asked. Rejects with HostError `invalid-message`, `storage-failed` when nobody answers, and `conflict` for servers that are too old. */
export async function openNats(options: NatsOptions, log: LogSink): Promise<Nats> {
  const key = JSON.stringify(options);
  const found = shared.get(key) ?? { opened: opened(options, log), users: 0 };
  shared.set(key, found);
  found.users += 1;
  const leave = async (): Promise<void> => {
    found.users -= 1;
    if (found.users > 0) return;
    shared.delete(key);
    await (await found.opened.catch(() => undefined))?.[Symbol.asyncDispose]();
  };
  let isLeft = false;
  try {
    const nats = await found.opened;
    return {
      ...nats,
      async [Symbol.asyncDispose]() {
        if (isLeft) return;
        isLeft = true;
        await leave();
      },
    };
  } catch (thrown) {
    await leave();
    throw thrown;
  }
}

async function opened(options: NatsOptions, log: LogSink): Promise<Nats> {
  const { servers, seed, tls } = natsAddress(options);
  const { timeoutMs } = options;
  const named = `NATS at ${options.servers.map(printable).join(", ")}`;
  const connection = await connect({
    servers: [...servers],
    name: "bulkhead",
    timeout: timeoutMs,
    // Only those that the operator has named: a server may know others by addresses that are not meant for this host.
    ignoreClusterUpdates: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_MS,
    pingInterval: PING_MS,
    maxPingOut: MAX_PINGS_OUT,
    ...(tls === undefined ? {} : { tls }),
    ...(seed === undefined ? {} : { authenticator: nkeyAuthenticator(seed), inboxPrefix: inboxOf(publicKeyOf(seed)) }),
  }).catch((cause: unknown) => {
    throw new HostError("storage-failed", `${named} does not let this host in or does not answer: ${messageOf(cause)}`, { cause });
  });
  void follow(connection, named, log);
  try {
    const manager = await jetstreamManager(connection, { timeout: timeoutMs });
    const level = (await manager.getAccountInfo()).api.level ?? 0;
    if (level < MIN_API_LEVEL)
      throw new HostError(
        "conflict",
        `${named} is nats-server ${printable(connection.info?.version ?? "")} with API level ${level}; the cluster needs level ${MIN_API_LEVEL}, which came with 2.14: update the server`,
      );
    const js = jetstream(connection, { timeout: timeoutMs });
    return { connection, js, manager, options, [Symbol.asyncDispose]: () => connection.close() };
  } catch (cause) {
    await connection.close();
    if (cause instanceof HostError) throw cause;
    throw new HostError("storage-failed", `${named} has no JetStream for this host: ${messageOf(cause)}`, { cause });
  }
}

/** A new key of a host: what lies in its `keyFile`, and what the servers know it by. */
export function newKey(): { readonly seed: string; readonly publicKey: string } {
  const pair = nkeys.createUser();
  return { seed: new TextDecoder().decode(pair.getSeed()), publicKey: pair.getPublicKey() };
}

const publicKeyOf = (seed: Uint8Array): string => nkeys.fromSeed(seed).getPublicKey();

async function follow(connection: NatsConnection, named: string, log: LogSink): Promise<void> {
  let isAway = false;
  for await (const { type } of connection.status()) {
    if (type === "disconnect" && !isAway) {
      isAway = true;
      log.write({ level: "warning", plugin: "host", message: `${named} is away; it is tried again until it answers` });
    } else if (type === "reconnect") {
      isAway = false;
      log.write({ level: "info", plugin: "host", message: `${named} answers again` });
    }
  }
}

/** Whether a write was refused since another one came first. */
export function isWrongSequence(thrown: unknown): boolean {
  return WRONG_LAST_SEQUENCE.has((thrown as Partial<JetStreamApiError>).code ?? 0);
}

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? printable(thrown.message) : printable(String(thrown)));

/** What a driver says when the servers do not answer: the same may succeed a moment later. */
export const natsFailed = (what: string, cause: unknown): HostError =>
  new HostError("storage-failed", `NATS did not ${what}: ${messageOf(cause)}`, { cause });
