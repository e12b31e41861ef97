// A real cell whose guests are functions: storage, transactions and turns are those of every cell, and what a guest does is written in the test.

import { Executor } from "../../host/cell/inside/executor.ts";
import { CellClient } from "../../host/cell/outside/client.ts";
import { connect } from "../../host/cell/outside/inline-cell.ts";
import { toHostError } from "../../host/core/errors.ts";
import type { Cell } from "../../host/core/ports/cell.ts";
import type { Clock } from "../../host/core/ports/clock.ts";
import type { LogSink } from "../../host/core/ports/log.ts";
import type { StorageDriver } from "../../host/core/ports/storage.ts";
import type { Bytes, PluginImage, TurnInput } from "../../host/core/types.ts";
import type { WitFunction, WitParams, WitResult } from "../../host/core/wit.ts";
import type { Engine, GuestEnvironment, GuestInstance } from "../../host/engine/engine.ts";
import { decodeError, decodeResult, encodeArguments } from "../../host/engine/guest/blocks.ts";
import type { CellStorage } from "../../host/engine/guest/cell-functions.ts";
import { utf8 } from "./scripted-cell.ts";

/** What a guest can do in a turn. */
export interface GuestTurn {
  readonly input: string;
  readonly storage: CellStorage;
  /** Throws HostError as the host answers. */
  ask<F extends WitFunction>(name: F, ...args: WitParams<F>): Promise<WitResult<F>>;
}

/** By entry point; what is answered is the output. One that throws fails as a guest that returns a failure does; `trap` loses its instance. */
type GuestScript = Readonly<Record<string, (turn: GuestTurn) => Promise<string | undefined>>>;

class Trap extends Error {}

export interface ScriptedGuests {
  readonly clock: Clock;
  readonly log: LogSink;
  readonly scripts: Readonly<Record<string, GuestScript>>;
  openStorage(image: PluginImage): StorageDriver;
  /** Called for each instance that is made. */
  onInstance?(plugin: string): void;
}

export function scriptedGuests({ clock, log, scripts, openStorage, onInstance }: ScriptedGuests): Cell {
  const [hostEnd, cellEnd] = connect();
  const engine = async (image: PluginImage): Promise<Engine> => ({
    compile: async () => ({
      instantiate(environment) {
        onInstance?.(image.name);
        return new ScriptedInstance(scripts[image.name] ?? {}, environment);
      },
    }),
  });
  new Executor({ channel: cellEnd, engine, clock, openStorage, onClose: () => {} });
  return new CellClient({ channel: hostEnd, clock, log, ended: async () => {} });
}

class ScriptedInstance implements GuestInstance {
  readonly fuelLeft = 1_000;
  readonly fuelForfeited = 0;
  readonly memoryBytes = 0;
  hostCalls = 0;
  readonly #script: GuestScript;
  readonly #environment: GuestEnvironment;

  constructor(script: GuestScript, environment: GuestEnvironment) {
    this.#script = script;
    this.#environment = environment;
  }

  run(entryPoint: string, input: TurnInput, _fuel: number, done: Parameters<GuestInstance["run"]>[3]): void {
    const text = typeof input === "string" ? input : new TextDecoder().decode(input);
    const { storage } = this.#environment.scope;
    const turn: GuestTurn = { input: text, storage, ask: (name, ...args) => this.#ask(name, args) };
    void Promise.resolve()
      .then(() => this.#script[entryPoint]?.(turn))
      .then(
        (output) => done({ ok: true, output: utf8(output ?? "") }),
        (thrown: unknown) => {
          const { code, message, reason } = toHostError(thrown);
          if (thrown instanceof Trap) done({ ok: false, code: "plugin-failed", message: thrown.message, broken: true });
          else done({ ok: false, code, message, reason, broken: false });
        },
      );
  }

  // What waits when a turn is ended goes on for ever: such a guest is thrown away.
  doom(): void {}

  async #ask<F extends WitFunction>(name: F, args: WitParams<F>): Promise<WitResult<F>> {
    this.hostCalls += 1;
    const answer = await this.#environment.pacer.wait(this.#environment.askHost(name, encodeArguments(name, args)));
    if (answer === undefined) throw new Trap("ended");
    if (answer[0] !== 0) throw decodeError(answer as Bytes);
    return decodeResult(name, answer) as WitResult<F>;
  }
}
