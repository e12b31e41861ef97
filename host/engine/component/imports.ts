// Everything that a component can import, by interface and as the glue wants it: our own world through the same two tables of host functions as
// modules have, and the standard interfaces that are mapped onto it.

import { HostError, toHostError } from "../../core/errors.ts";
import type { Bytes } from "../../core/types.ts";
import type { WitFunction } from "../../core/wit.ts";
import type { GuestEnvironment } from "../engine.ts";
import { encodeError } from "../guest/blocks.ts";
import type { GuestControl } from "../guest/control.ts";
import { argumentsOf, bulkheadInterfaces } from "./bulkhead.ts";
import type { ComponentHost, Interfaces } from "./component-host.ts";
import { facadesOf } from "./facades.ts";
import { Ledger } from "./resources.ts";
import { wasiCli } from "./wasi-cli.ts";
import { wasiClocks, wasiRandom } from "./wasi-clocks-random.ts";
import { wasiConfig, wasiLogging } from "./wasi-config-logging.ts";
import { wasiHttp } from "./wasi-http.ts";
import { LogStreams, wasiIo } from "./wasi-io.ts";
import { wasiKeyvalue } from "./wasi-keyvalue.ts";
import { wasiFilesystem, wasiSockets } from "./wasi-refused.ts";

export interface ComponentImportsPorts {
  readonly environment: GuestEnvironment;
  readonly control: GuestControl;
  /** What the component imports, with versions. */
  readonly imports: readonly string[];
  /** A host call has taken its arguments. */
  called(): void;
}

export class ComponentImports {
  readonly interfaces: Interfaces;
  readonly #environment: GuestEnvironment;
  readonly #streams: LogStreams;
  readonly #ledger: Ledger;
  #hostCalls = 0;
  #turns = 0;
  /** Settles when the host has answered all that the turn has asked so far. */
  #asked: Promise<unknown> = Promise.resolve();

  constructor({ environment, control, imports, called }: ComponentImportsPorts) {
    this.#environment = environment;
    const count = (): void => {
      called();
      this.#hostCalls += 1;
    };
    this.#ledger = new Ledger(environment.plugin, control, environment.limits.blockBytes);
    const host: ComponentHost = {
      environment,
      control,
      ledger: this.#ledger,
      count,
      free: called,
      asker: () => {
        const turn = this.#turns;
        return (name, values) => this.#ask(turn, name, values);
      },
      wait: async (answer) => {
        const settled = await environment.pacer.wait(answer);
        if (settled === undefined || control.doomed) throw new WebAssembly.RuntimeError("ended by the host");
        return settled;
      },
    };
    this.#streams = new LogStreams(host);
    this.interfaces = facadesOf({
      "bulkhead:plugin/types": {},
      ...bulkheadInterfaces(host, imports),
      ...wasiIo(host),
      ...wasiCli(host, this.#streams),
      ...wasiClocks(host),
      ...wasiRandom(host),
      ...wasiFilesystem(),
      ...wasiSockets(host),
      ...wasiHttp(host),
      ...wasiKeyvalue(host, imports.includes("wasi:keyvalue/store@0.2.0-draft")),
      ...wasiConfig(host),
      ...wasiLogging(host),
    });
  }

  /** Host functions called since the instance was made. */
  get hostCalls(): number {
    return this.#hostCalls;
  }

  /** The last lines that the turn wrote to standard error. */
  get lastWords(): readonly string[] {
    return this.#streams.lastWords;
  }

  /** Counts a handle that the glue gives the guest, or takes from it, whatever stands behind it. */
  countHandle(more: number): void {
    this.#ledger.countHandle(more);
  }

  beginTurn(): void {
    this.#asked = Promise.resolve();
    this.#streams.begin();
  }

  endTurn(): void {
    this.#turns += 1;
    this.#streams.flush();
  }

  // The arguments are made at once, at the expense of the turn that asks.
  async #ask(turn: number, name: WitFunction, values: readonly unknown[]): Promise<Bytes> {
    try {
      const blocks = argumentsOf(this.#environment, name, values);
      const answer = this.#asked.then(() => this.#send(turn, name, blocks));
      this.#asked = answer.catch(() => {});
      return await answer;
    } catch (thrown) {
      const error = toHostError(thrown);
      if (error.code === "internal") this.#environment.scope.reportFault(error);
      return encodeError(error);
    }
  }

  // A turn's question has its caller's authority, so it must not become the next one's.
  #send(turn: number, name: WitFunction, blocks: readonly Bytes[]): Promise<Bytes> {
    if (turn === this.#turns) return this.#environment.askHost(name, blocks);
    throw new HostError("plugin-not-running", `the turn that asked for ${name} has ended`);
  }
}
