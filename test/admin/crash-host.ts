// A host for crash.test.ts to kill: does what it is told line by line, and says before and after each thing what it does. Not a test.

import { writeSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { createInterface } from "node:readline";
import type { Installation } from "../../host/admin/installations.ts";
import type { Plan } from "../../host/admin/installer.ts";
import { type Control, openControl } from "../../host/cli/control.ts";
import { toHostError } from "../../host/core/errors.ts";
import { startTrace } from "../../host/core/trace.ts";
import type { Permission } from "../../host/core/types.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";

/** What the plugin says of itself, and what is written down about it. */
export interface Report {
  readonly state: string | undefined;
  readonly version: string;
  readonly data: readonly string[];
  /** Which of ASKS the running host lets it do. */
  readonly may: readonly string[];
  readonly installation: Installation | undefined;
}

export type Order =
  | { readonly do: "boot" | "report" | "rollback" }
  | { readonly do: "install"; readonly spec: string; readonly grants: readonly object[]; readonly settings: object }
  | { readonly do: "update"; readonly spec: string; readonly grants: readonly object[] }
  | { readonly do: "uninstall"; readonly purge: boolean }
  | { readonly do: "grant" | "revoke"; readonly permission: string; readonly resource: string }
  | { readonly do: "keep"; readonly text: string };

export type Answer =
  | { readonly said: "ready" | "begin" }
  | { readonly said: "done"; readonly report?: Report }
  | { readonly said: "failed"; readonly message: string }
  | { readonly said: "log"; readonly message: string };

export const KEYS: readonly string[] = ["a", "b", "c", "d"];
/** What every version asks for; no two are of a kind, so that to be granted is to be allowed. */
export const ASKS: readonly { readonly permission: Permission; readonly resource: string }[] = [
  { permission: "state.read", resource: "devices.lamp" },
  { permission: "state.write", resource: "devices.lamp" },
  { permission: "events.publish", resource: "alarms.fire" },
  { permission: "services.call", resource: "devices.turn-on" },
  { permission: "events.subscribe", resource: "devices.changed" },
  { permission: "secrets.read", resource: "LAMP_KEY" },
];

const PLUGIN = "thing";
// The bytes before a host function's answer: whether it is an error, and whether there is a value.
const TAGS = /\p{Cc}/gu;

// At once and in order, so that what was said counts even if this is the last thing that happens.
const say = (answer: Answer): void => void writeSync(1, `${JSON.stringify(answer)}\n`);

class CrashHost {
  readonly #configuration;
  #host: RunningHost | undefined;
  #control: Control | undefined;

  constructor(path: string) {
    this.#configuration = parseConfiguration(
      JSON.stringify({ hardening: { acceptVulnerableNode: true }, adapters: { http: false }, drainMs: 1_000 }),
      path,
    );
  }

  async follow(order: Order): Promise<Report | undefined> {
    if (order.do === "boot") return this.#boot();
    if (order.do === "report") return this.#report();
    if (order.do === "keep") await this.#call("keep", order.text);
    else if ("spec" in order) await this.#bring(order);
    else {
      const { do: operation, ...input } = order;
      await this.#invoke(operation, { plugin: PLUGIN, ...input });
    }
    return undefined;
  }

  async #bring({ do: operation, spec, ...rest }: Extract<Order, { spec: string }>): Promise<void> {
    const planned = await this.#invoke<Plan & Record<string, unknown>>("plan", { spec });
    const { package: id, source, integrity, wasmSha256 } = planned;
    const always = operation === "update" ? { approved: true, settings: {}, accepted: ["older-version"] } : {};
    await this.#invoke(operation, { package: id, source, integrity, wasmSha256, ...always, ...rest });
  }

  async #boot(): Promise<Report> {
    const log = {
      write: ({ level, message }: { readonly level: string; readonly message: string }) => {
        if (level === "error" || level === "warning") say({ said: "log", message });
      },
    };
    this.#host = await createHost({ configuration: this.#configuration, log });
    this.#control = await openControl(this.#configuration);
    return this.#report();
  }

  async #report(): Promise<Report> {
    const [installation] = await this.#invoke<Installation[]>("installations", {});
    const plugin = this.#host?.core.plugin(PLUGIN);
    const state = plugin?.state;
    const allowed = ASKS.filter(({ permission, resource }) => plugin?.permissions.allows(permission, resource));
    const may = allowed.map(({ permission, resource }) => `${permission} ${resource}`).sort();
    const version = state === "running" ? await this.#call("version", "") : "";
    const data: string[] = [];
    for (const key of KEYS) data.push(state === "running" ? await this.#call("kept", key) : "");
    return { state, version, data, may, installation };
  }

  #invoke<T>(operation: string, input: object): Promise<T> {
    if (this.#control === undefined) throw new Error("boot comes first");
    return this.#control.invoke<T>(operation, input);
  }

  async #call(service: string, text: string): Promise<string> {
    if (this.#host === undefined) throw new Error("boot comes first");
    const output = await this.#host.core.services.call({
      service: `${PLUGIN}.${service}`,
      payload: new TextEncoder().encode(text),
      caller: { kind: "host", name: "test" },
      traceparent: startTrace(),
    });
    return new TextDecoder().decode(output).replaceAll(TAGS, "");
  }
}

async function main(path: string): Promise<void> {
  const host = new CrashHost(path);
  flushCompileCache();
  say({ said: "ready" });
  for await (const line of createInterface({ input: process.stdin })) {
    say({ said: "begin" });
    try {
      const report = await host.follow(JSON.parse(line) as Order);
      say({ said: "done", ...(report && { report }) });
    } catch (thrown) {
      const { code, message, detail } = toHostError(thrown);
      say({ said: "failed", message: `${code}: ${message} ${detail ?? ""}` });
    }
  }
  process.exit(0);
}

// The test imports this file for its types.
const [, script, path] = process.argv;
if (script === import.meta.filename && path !== undefined) await main(path);
