// A host with one remote plugin, and peers that dial it: some by the SDK, some by hand.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openControl } from "../../host/cli/control.ts";
import { startTrace } from "../../host/core/trace.ts";
import { type Configuration, createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { type ConnectOptions, connect, type Handlers, type RemotePlugin } from "../../plugin-sdk/remote-node/src/index.ts";
import { eventually } from "../support/eventually.ts";
import { type MemoryLog, memoryLog } from "../support/memory-log.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface WorldOptions {
  readonly manifest?: object;
  /** Of the plugin in the configuration. */
  readonly settings?: object;
  readonly configuration?: object;
}

/** To be disposed of. */
export class RemoteWorld implements AsyncDisposable {
  readonly folder: string;
  readonly manifest: string;
  readonly log: MemoryLog = memoryLog();
  readonly states: string[] = [];
  readonly #remove: () => void;
  readonly #configuration: Configuration;
  readonly #peers: RemotePlugin[] = [];
  #host: RunningHost | undefined;
  token = "";

  constructor({ manifest = {}, settings = {}, configuration = {} }: WorldOptions) {
    const { path, remove } = temporaryFolder();
    this.folder = path;
    this.#remove = remove;
    mkdirSync(join(path, "meter"));
    this.manifest = join(path, "meter", "plugin.json");
    writeFileSync(this.manifest, JSON.stringify({ name: "meter", version: "1.0.0", api: "0.2", remote: {}, ...manifest }));
    const text = JSON.stringify({
      ...{ dataDir: "data", adapters: { http: false }, remotePlugins: { port: 0 } },
      plugins: { meter: { path: "meter", isolation: "remote", grants: "all", ...settings } },
      ...configuration,
    });
    this.#configuration = parseConfiguration(text, join(path, "bulkhead.json"));
  }

  static async start(options: WorldOptions = {}): Promise<RemoteWorld> {
    const world = new RemoteWorld(options);
    await world.boot();
    return world;
  }

  async boot(): Promise<void> {
    if (this.token === "") {
      await using control = await openControl(this.#configuration);
      const { token } = await control.invoke<{ token: string }>("create-remote-token", { plugin: "meter" });
      this.token = token;
    }
    this.#host = await createHost({ configuration: this.#configuration, log: this.log });
  }

  async stopHost(): Promise<void> {
    await this.#host?.stop();
    this.#host = undefined;
  }

  get host(): RunningHost {
    if (this.#host === undefined) throw new Error("the host does not run");
    return this.#host;
  }

  get url(): string {
    return this.host.addresses.get("remotePlugins") ?? "";
  }

  /** Such as `127.0.0.1:7422`; by name, for a certificate. */
  get address(): string {
    const { host, protocol } = new URL(this.url);
    return protocol === "https:" ? host.replace("127.0.0.1", "localhost") : host;
  }

  get state(): string | undefined {
    return this.host.core.plugin("meter")?.state;
  }

  get failure(): string | undefined {
    return this.host.core.plugin("meter")?.failure?.message;
  }

  /** By the SDK. */
  connect(handlers: Handlers, options: Partial<ConnectOptions> = {}): RemotePlugin {
    const peer = connect(handlers, {
      ...{ manifest: this.manifest, token: this.token, address: this.address, onState: (state) => this.states.push(state) },
      ...options,
    });
    this.#peers.push(peer);
    return peer;
  }

  async running(): Promise<void> {
    await eventually("the plugin runs", () => this.state === "running" || undefined, 10_000);
  }

  /** As the command would, beside the running host. */
  async operate<T>(operation: string, input: unknown): Promise<T> {
    await using control = await openControl(this.#configuration);
    return control.invoke<T>(operation, input);
  }

  async call(service: string, payload = ""): Promise<string> {
    const answer = await this.host.core.services.call({
      ...{ service, payload: encoder.encode(payload), caller: { kind: "adapter", name: "test" }, traceparent: startTrace() },
    });
    return decoder.decode(answer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.#peers) peer.close();
    await this.stopHost();
    this.#remove();
  }
}
