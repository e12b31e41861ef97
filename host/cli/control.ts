// Finds the host of a data folder: the one that runs, through its socket, or else the folder itself, which is then locked.

import { request } from "node:http";
import { userInfo } from "node:os";
import { join } from "node:path";
import { systemClock } from "../adapters/system-clock.ts";
import { Administration } from "../admin/administration.ts";
import type { Actor } from "../admin/audit.ts";
import { openHostDatabase } from "../admin/database.ts";
import { AdmissionCache } from "../cell/admission-process.ts";
import { HostError, isHostErrorCode, toHostError } from "../core/errors.ts";
import type { Configuration, PluginConfiguration } from "../install/configuration.ts";
import type { Manifest } from "../install/manifest.ts";
import { fetchFolder } from "../install/package-store.ts";
import { effectiveLimits, type PluginFolder, readPluginFolder } from "../install/plugin-folder.ts";
import { say } from "./report.ts";

export interface Control extends AsyncDisposable {
  /** Whether a host runs. */
  readonly isLive: boolean;
  /** Does an operation of host/admin/administration.ts. Rejects with HostError. */
  invoke<T>(operation: string, input?: unknown): Promise<T>;
}

const socketOf = (dataDir: string): string => join(dataDir, "control.sock");
const actor = (): Actor => `user:${userInfo().username}`;

/** Throws HostError `conflict` when another process works on the folder without being a host that listens. */
export async function openControl(configuration: Configuration): Promise<Control> {
  const path = socketOf(configuration.dataDir);
  if (await listens(path)) {
    return {
      isLive: true,
      invoke: <T>(operation: string, input: unknown = {}) => post<T>(path, operation, input),
      async [Symbol.asyncDispose]() {},
    };
  }
  const database = openHostDatabase(configuration.dataDir);
  const admission = new AdmissionCache(join(configuration.dataDir, "admitted"), configuration.hardening);
  const sources = {
    fetch: fetchFolder,
    admit: (folder: PluginFolder, settings: PluginConfiguration) =>
      admission.admit(folder.wasm, effectiveLimits(folder.manifest, settings)),
  };
  const manifests = await readManifests(configuration);
  const administration = new Administration({ configuration, database, clock: systemClock, manifests, sources });
  await administration.installer.load((plugin, thrown) => say(`${plugin} cannot be read: ${toHostError(thrown).message}`));
  return {
    isLive: false,
    invoke: async <T>(operation: string, input: unknown = {}) => (await administration.invoke(operation, input, actor())) as T,
    async [Symbol.asyncDispose]() {
      administration.close();
    },
  };
}

async function readManifests({ plugins }: Configuration): Promise<Map<string, Manifest>> {
  const manifests = new Map<string, Manifest>();
  for (const [name, { path }] of Object.entries(plugins)) {
    try {
      manifests.set(name, (await readPluginFolder(path)).manifest);
    } catch (thrown) {
      say(`${name} cannot be read: ${thrown instanceof Error ? thrown.message : ""}`);
    }
  }
  return manifests;
}

// A connection that is kept for later would be one to a host that has gone since.
function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ socketPath: path, path: "/", method: "OPTIONS", agent: false }, (response) => {
      response.resume();
      resolve(true);
    });
    asked.on("error", () => resolve(false));
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
    asked.on("error", (cause) => reject(new HostError("internal", "the host broke off the connection", { cause })));
    asked.end(body);
  });
}

function resultOf(text: string): unknown {
  const { result, error } = JSON.parse(text) as { result?: unknown; error?: { code?: unknown; message?: unknown; detail?: unknown } };
  if (error === undefined) return result;
  const { code, message, detail } = error;
  throw new HostError(isHostErrorCode(code) ? code : "internal", String(message), {
    detail: typeof detail === "string" ? detail : undefined,
  });
}
