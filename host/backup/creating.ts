// Makes a backup in a process of its own. One at a time.

import { fork } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import { type ErrorShape, HostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import type { Manifest } from "./contents.ts";
import type { GatheringRequest } from "./gathering.ts";
import { isThere } from "./writing.ts";

export interface BackupRequest extends Omit<GatheringRequest, "folder">, Pick<Manifest, "secrets" | "notIncluded" | "bulkhead"> {
  /** Absolute. */
  readonly file: string;
}

/** What a backup that was made is. */
export interface MadeBackup extends Omit<Manifest, "files"> {
  readonly file: string;
  readonly files: number;
  /** Before they were packed. */
  readonly bytes: number;
}

export type BackupAnswer =
  | { readonly ok: true; readonly made: MadeBackup }
  | { readonly ok: false; readonly error: Pick<ErrorShape, "code" | "message" | "detail"> };

// The same file is TypeScript in the checkout and JavaScript in the package.
const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "./backup-main.ts" : "./backup-main.js", import.meta.url);

/** Throws HostError `invalid-message` for a path that no backup can have, `conflict` for one that something has. */
export function requireFree(file: string): void {
  if (!isAbsolute(file)) throw new HostError("invalid-message", `${escapeControls(file)} must be an absolute path`);
  if (existsSync(file)) throw isThere(file);
  const folder = dirname(file);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new HostError("invalid-message", `there is no folder ${escapeControls(folder)}; make it first`);
}

export class BackupProcess implements AsyncDisposable {
  #running: Promise<MadeBackup> | undefined;
  #end: (() => void) | undefined;

  /** Rejects with HostError `conflict` while another one is made, or what making it fails with; then nothing is left of it. */
  make(request: BackupRequest): Promise<MadeBackup> {
    if (this.#running !== undefined) throw new HostError("conflict", "a backup is being made; wait for it");
    this.#running = this.#make(request).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Gives up what is being made. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end?.();
    await this.#running?.catch(() => {});
  }

  #make(request: BackupRequest): Promise<MadeBackup> {
    const child = fork(fileURLToPath(ENTRY), [], { env: {}, execArgv: [], stdio: ["ignore", "ignore", "inherit", "ipc"] });
    // Whose end it hears of removes what it has begun.
    this.#end = () => child.connected && child.disconnect();
    return new Promise((resolve, reject) => {
      let answer: BackupAnswer | undefined;
      child.once("message", (message) => {
        answer = message as BackupAnswer;
      });
      child.once("error", reject);
      child.once("exit", () => {
        this.#end = undefined;
        if (answer === undefined) reject(new HostError("internal", "the backup was given up before it was made"));
        else if (answer.ok) resolve(answer.made);
        else reject(HostError.fromShape(answer.error));
      });
      child.send(request);
    });
  }
}
