// Everything that a component can import, by interface and as the glue wants it: our own world through the same two tables of host functions as
// modules have, and the standard interfaces that are mapped onto it.

import type { GuestEnvironment } from "../engine.ts";
import type { GuestControl } from "../guest/bindings.ts";
import { bulkheadInterfaces } from "./bulkhead.ts";
import type { ComponentHost, Interfaces } from "./component-host.ts";
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
  readonly #streams: LogStreams;
  #hostCalls = 0;

  constructor({ environment, control, imports, called }: ComponentImportsPorts) {
    const count = (): void => {
      called();
      this.#hostCalls += 1;
    };
    const host: ComponentHost = {
      environment,
      control,
      ledger: new Ledger(environment.plugin, control),
      count,
      wait: async (answer) => {
        const settled = await environment.pacer.wait(answer);
        if (settled === undefined || control.doomed) throw new WebAssembly.RuntimeError("ended by the host");
        return settled;
      },
    };
    this.#streams = new LogStreams(host);
    this.interfaces = {
      ...bulkheadInterfaces(host),
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
    };
  }

  /** Host functions called since the instance was made. */
  get hostCalls(): number {
    return this.#hostCalls;
  }

  /** The last lines that the turn wrote to standard error. */
  get lastWords(): readonly string[] {
    return this.#streams.lastWords;
  }

  beginTurn(): void {
    this.#streams.begin();
  }

  endTurn(): void {
    this.#streams.flush();
  }
}
