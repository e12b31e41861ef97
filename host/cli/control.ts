// Finds the host of a data folder: the one that runs, through its socket, or else the folder itself, which is then locked.

import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { AccountPasswords } from "../admin/account-passwords.ts";
import { localActor } from "../admin/audit.ts";
import { checkDataFolder, checkSocket } from "../admin/data-folder.ts";
import { Operations } from "../admin/operations.ts";
import { HashingLine } from "../capabilities/crypto/hashing-line.ts";
import { HostError, isHostErrorCode, toHostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import type { LogLine } from "../core/ports/log.ts";
import { systemClock } from "../drivers/system-clock.ts";
import { type Lock, lockFileOf, readLock } from "../install/lock.ts";
import { backupsOf } from "../lifecycle/backups.ts";
import { openBlobs } from "../lifecycle/blobs.ts";
import { openHousehold } from "../lifecycle/boot.ts";
import { RemoteStores } from "../lifecycle/remote-stores.ts";
import { storedData } from "../lifecycle/stored-data.ts";
import type { Configuration } from "../manifest/configuration.ts";
import { type DataOptions, readConfigurationOf, withOverrides } from "./serve.ts";
import { say } from "./terminal.ts";

export interface Control extends AsyncDisposable {
  /** Whether a host runs. */
  readonly isLive: boolean;
  /** Does an operation of host/admin/operations.ts. Rejects with HostError. */
  invoke<T>(operation: string, input?: unknown): Promise<T>;
}

const socketOf = (dataDir: string): string => join(dataDir, "control.sock");
/** Whether a host runs on a data folder. */
export const isHostRunning = (dataDir: string): Promise<boolean> => listens(socketOf(dataDir));

/** The host of a command's options. Rejects like `openControl`. */
export async function openHost(options: DataOptions): Promise<Control> {
  const configuration = withOverrides(await readConfigurationOf(options), options);
  const host = await openControl(configuration, await readLock(lockFileOf(options.config)));
  if (!host.isLive) say(`no host runs on ${escapeControls(configuration.dataDir)}; this is about the folder itself`);
  return host;
}

/** Throws HostError `conflict` when another process works on the folder without being a host that listens. */
export async function openControl(configuration: Configuration, lock: Lock = new Map()): Promise<Control> {
  const path = socketOf(configuration.dataDir);
  checkDataFolder(configuration.dataDir);
  checkSocket(path);
  if (await listens(path)) {
    return {
      isLive: true,
      invoke: <T>(operation: string, input: unknown = {}) => post<T>(path, operation, input),
      async [Symbol.asyncDispose]() {},
    };
  }
  await using opening = new AsyncDisposableStack();
  const { stores, sources } = await openHousehold({ configuration, lock, clock: systemClock, tell: say }, opening);
  const log = { write: ({ message }: LogLine) => say(escapeControls(message)) };
  const ports = { clock: systemClock, log, dataDir: configuration.dataDir, secrets: stores.secrets };
  const remote = opening.use(new RemoteStores({ configuration, opening: ports, plugin: () => undefined }));
  const blobs = openBlobs(ports);
  const data = storedData({ stores, clock: systemClock, remote, blobs, isRunning: () => false });
  const passwords = new AccountPasswords(opening.use(new HashingLine(systemClock)), systemClock);
  const backups = opening.use(backupsOf(() => configuration));
  const operations = new Operations({ stores, clock: systemClock, sources, data, blobs, passwords, backups, live: undefined });
  await stores.load((plugin, thrown) => say(`${plugin} cannot be read: ${escapeControls(toHostError(thrown).message)}`));
  return {
    isLive: false,
    invoke: async <T>(operation: string, input: unknown = {}) => (await operations.invoke(operation, input, localActor())) as T,
    [Symbol.asyncDispose]: whileOpen(opening),
  };
}

function whileOpen(opening: AsyncDisposableStack): () => Promise<void> {
  const opened = opening.move();
  return () => opened.disposeAsync();
}

/** What a running host is asked besides operations. */
export interface LiveHost {
  /** Rejects with HostError. */
  call(service: string, payload: Uint8Array, timeoutMs: number | undefined): Promise<Uint8Array>;
  /** Lines of events as they come, until the host ends. Rejects with HostError. */
  follow(types: string): AsyncIterable<string>;
  /** The last lines of the log and those that come, until the host ends. Rejects with HostError. */
  followLog(wanted: Readonly<Record<string, string>>): AsyncIterable<string>;
  /** Lines of the Model Context Protocol both ways, with this token's rights or a viewer's. Rejects with HostError. */
  speakMcp(token: string | undefined): Promise<Duplex>;
}

/** Throws HostError `plugin-not-running` when none runs. */
export async function openLiveHost(options: DataOptions): Promise<LiveHost> {
  const { dataDir } = withOverrides(await readConfigurationOf(options), options);
  const path = socketOf(dataDir);
  checkDataFolder(dataDir);
  checkSocket(path);
  if (!(await listens(path)))
    throw new HostError("plugin-not-running", `no host runs on ${escapeControls(dataDir)}; "bulkhead serve" starts one`);
  return {
    async call(service, payload, timeoutMs) {
      const query = timeoutMs === undefined ? "" : `?timeoutMs=${timeoutMs}`;
      return buffer(await ask(path, `/call/${encodeURIComponent(service)}${query}`, payload));
    },
    async *follow(types) {
      yield* linesOf(await ask(path, `/follow?types=${encodeURIComponent(types)}`));
    },
    async *followLog(wanted) {
      yield* linesOf(await ask(path, `/logs?${new URLSearchParams(wanted)}`));
    },
    speakMcp: (token) => upgraded(path, token),
  };
}

/** The answer to a request with a body, or to one without. */
function ask(socketPath: string, path: string, body?: Uint8Array): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, method: body === undefined ? "GET" : "POST", agent: false }, (response) => {
      if (response.statusCode === 200) resolve(response);
      else refusedBy(response).catch(reject);
    });
    asked.on("error", (cause) => reject(brokenOff(cause)));
    asked.end(body);
  });
}

/** They end at line feeds alone: texts in JSON may hold Unicode's other ends of lines as they are. */
async function* linesOf(stream: IncomingMessage): AsyncGenerator<string> {
  let begun = "";
  for await (const piece of stream.setEncoding("utf8")) {
    const lines = (begun + piece).split("\n");
    begun = lines.pop() ?? "";
    yield* lines;
  }
}

function upgraded(socketPath: string, token: string | undefined): Promise<Duplex> {
  const headers = { connection: "Upgrade", upgrade: "mcp", ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: "/mcp", headers, agent: false });
    asked.on("upgrade", (_response, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    asked.on("response", (response) => refusedBy(response).catch(reject));
    asked.on("error", (cause) => reject(brokenOff(cause)));
    asked.end();
  });
}

/** Rejects with what the host says. */
async function refusedBy(response: IncomingMessage): Promise<never> {
  resultOf(await text(response));
  throw new HostError("internal", "the host gave no answer");
}

const brokenOff = (cause: unknown): HostError => new HostError("internal", "the host broke off the connection", { cause });

const NOBODY: ReadonlySet<unknown> = new Set(["ENOENT", "ECONNREFUSED", "ENOTSOCK"]);
const ANSWER_MS = 10_000;

/**
 * False when nobody listens. Rejects with HostError `conflict` when there is a host that does not answer, so that nobody takes the folder for free.
 * A connection that is kept for later would be one to a host that has gone since.
 */
function listens(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: path, path: "/", method: "OPTIONS", agent: false, timeout: ANSWER_MS }, (response) => {
      response.resume();
      resolve(true);
    });
    const unreachable = (cause: NodeJS.ErrnoException): void =>
      reject(
        new HostError("conflict", `the host on ${path} cannot be reached (${cause.code ?? cause.message}); it is busy or out of files`, {
          cause,
        }),
      );
    asked.on("timeout", () => asked.destroy(new Error(`no answer within ${ANSWER_MS} ms`)));
    asked.on("error", (cause: NodeJS.ErrnoException) => (NOBODY.has(cause.code) ? resolve(false) : unreachable(cause)));
    asked.end();
  });
}

function post<T>(path: string, operation: string, input: unknown): Promise<T> {
  const body = JSON.stringify(input);
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: path, path: `/${operation}`, method: "POST", headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        try {
          resolve(resultOf(Buffer.concat(chunks).toString("utf8")) as T);
        } catch (thrown) {
          reject(thrown);
        }
      });
    });
    asked.on("error", (cause) => reject(brokenOff(cause)));
    asked.end(body);
  });
}

function resultOf(text: string): unknown {
  const { result, error } = JSON.parse(text) as { result?: unknown; error?: Record<string, unknown> };
  if (error === undefined) return result;
  const { code, message, detail, reason, retryAfterMs } = error;
  throw new HostError(isHostErrorCode(code) ? code : "internal", String(message), {
    detail: typeof detail === "string" ? detail : undefined,
    reason: typeof reason === "string" ? reason : undefined,
    retryAfterMs: typeof retryAfterMs === "number" ? retryAfterMs : undefined,
  });
}
