// Keeps a plugin at its host: dials, and dials again with growing pauses, until it is closed.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type ChannelCredentials, Client, credentials, Metadata } from "@grpc/grpc-js";
import { entryPointsOf, type Handlers } from "./handlers.ts";
import { runSession } from "./session.ts";

export interface ConnectOptions {
  /** The plugin's plugin.json: a path, or a URL such as `new URL("plugin.json", import.meta.url)`. */
  readonly manifest: string | URL;
  /** Where the host waits, such as `127.0.0.1:7422`; `BULKHEAD_REMOTE` of the environment, or that by default. */
  readonly address?: string | undefined;
  /** Of `bulkhead remote token create`; `BULKHEAD_REMOTE_TOKEN` of the environment by default. */
  readonly token?: string | undefined;
  /** PEM: the authority of the host's certificate, and the plugin's own. Without it there is no TLS. */
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer } | undefined;
  /** Told what happens; standard error by default. */
  readonly onState?: ((state: string) => void) | undefined;
}

export interface RemotePlugin {
  /** Resolves when the host has let it in for the first time. */
  readonly connected: Promise<void>;
  /** Ends the session, and dials no more. */
  close(): void;
}

const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 10_000;
const DEFAULT_ADDRESS = "127.0.0.1:7422";
const CONNECT = "/bulkhead.remote.v1.RemotePluginService/Connect";

const plain = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Throws for a manifest that cannot be read. */
export function connect(handlers: Handlers, options: ConnectOptions): RemotePlugin {
  const text = readFileSync(options.manifest);
  const { name, version, api } = JSON.parse(text.toString("utf8"));
  const entryPoints = entryPointsOf(handlers);
  const hello = {
    ...{ plugin: name, version, api },
    entryPoints: [...entryPoints.keys()],
    manifestSha256: new Uint8Array(createHash("sha256").update(text).digest()),
  };
  const tell = options.onState ?? ((state) => void process.stderr.write(`${name}: ${state}\n`));
  const stopped = new AbortController();
  const connected = Promise.withResolvers<void>();
  const keep = async (): Promise<void> => {
    let pauseMs = FIRST_PAUSE_MS;
    while (!stopped.signal.aborted) {
      const client = dial(options);
      const stream = client.makeBidiStreamRequest(CONNECT, plain, (bytes) => bytes as Uint8Array, metadataOf(options));
      const end = (): void => stream.cancel();
      stopped.signal.addEventListener("abort", end);
      const why = await runSession(stream, {
        hello,
        entryPoints,
        onWelcome(session) {
          pauseMs = FIRST_PAUSE_MS;
          tell(`connected, session ${session}`);
          connected.resolve();
        },
      });
      stopped.signal.removeEventListener("abort", end);
      client.close();
      if (stopped.signal.aborted) return;
      // Many that lost their host at once must not come back at once.
      const waitMs = pauseMs * (0.5 + Math.random() / 2);
      tell(`${why.message}; dials again in ${Math.round(waitMs)} ms`);
      await pause(waitMs, stopped.signal);
      pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS);
    }
  };
  void keep();
  return { connected: connected.promise, close: () => stopped.abort() };
}

function dial({ address = process.env.BULKHEAD_REMOTE ?? DEFAULT_ADDRESS, tls }: ConnectOptions): Client {
  const channel: ChannelCredentials =
    tls === undefined ? credentials.createInsecure() : credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.cert ?? null);
  return new Client(address, channel, {
    ...{ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 },
    // A session that ends takes its connection with it.
    "grpc.use_local_subchannel_pool": 1,
  });
}

function metadataOf({ token = process.env.BULKHEAD_REMOTE_TOKEN }: ConnectOptions): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  return metadata;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
