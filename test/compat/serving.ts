// A host as people run it, `bulkhead serve` in a process of its own, asked over HTTP: what every version of bulkhead has, whatever is inside.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { eventually } from "../support/eventually.ts";

/** Status and body, a body that is no text in base64. */
export type Answer = readonly [status: number, body: string];

const START_MS = 120_000;

export class Serving implements AsyncDisposable {
  /** Messages of the log, with the plugin before them. */
  readonly log: string[];
  readonly #child: ChildProcess;
  readonly #url: string;

  private constructor(child: ChildProcess, url: string, log: string[]) {
    this.#child = child;
    this.#url = url;
    this.log = log;
  }

  /** `command` is the file that Node runs. Rejects with what the host says when it does not serve. */
  static async start(command: string, folder: string): Promise<Serving> {
    const args = [command, "serve", "--port", "0"];
    const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    const log: string[] = [];
    const said: string[] = [];
    createInterface(child.stdout).on("line", (line) => {
      const { plugin, level, msg } = JSON.parse(line) as Readonly<Record<string, string>>;
      log.push(`${level} ${plugin}: ${msg}`);
    });
    createInterface(child.stderr).on("line", (line) => said.push(line));
    const ended = once(child, "exit").then(() => {
      throw new Error(`the host does not serve:\n${said.join("\n")}`);
    });
    ended.catch(() => {});
    const listening = eventually(
      "the host listens",
      () => said.map((line) => /listening on (\S+);/.exec(line)?.[1]).find(Boolean),
      START_MS,
    );
    return new Serving(child, await Promise.race([listening, ended]), log);
  }

  async call(service: string, payload: string | Uint8Array<ArrayBuffer> = ""): Promise<Answer> {
    // The next host may listen where one before did, whose connections are gone.
    const headers = { "content-type": "application/octet-stream", connection: "close" };
    const response = await fetch(`${this.#url}/v1/services/${service}`, { method: "POST", headers, body: payload });
    const body = Buffer.from(await response.arrayBuffer());
    const text = body.toString("utf8");
    if (response.headers.get("content-type")?.startsWith("application/problem+json")) return [response.status, errorIn(text)];
    return [response.status, Buffer.from(text, "utf8").equals(body) ? text : body.toString("base64")];
  }

  /** The states of all plugins by name. */
  async states(): Promise<Readonly<Record<string, string>>> {
    const plugins = (await (await fetch(`${this.#url}/v1/plugins`)).json()) as readonly { readonly name: string; readonly state: string }[];
    return Object.fromEntries(plugins.map(({ name, state }) => [name, state]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await exited;
  }
}

/** What an error said before there was more beside it. */
const errorIn = (text: string): string => JSON.stringify({ error: (JSON.parse(text) as { readonly error: unknown }).error });
