// The engine of remote plugins: an instance is what a peer does in its session. A turn that waits for the peer is to its cell as a guest that waits for a host function, so
// storage, transactions, declared data, limits of the log and deadlines are those of every plugin. What the peer does with memory and CPU nobody here sees.

import { HostError } from "../core/errors.ts";
import type { Bytes, TurnInput } from "../core/types.ts";
import type { Engine, GuestEnvironment, GuestInstance, GuestResult } from "../engine/engine.ts";
import { brokenResult, failureOf, MAX_SAID_BYTES, textOf } from "../engine/failures.ts";
import { tooLargeFor } from "../engine/guest/bindings.ts";
import { blockFor, encodeError } from "../engine/guest/blocks.ts";
import { cellFunction, FREE_BYTES, FREE_FUNCTIONS } from "../engine/guest/cell-functions.ts";
import { FUNCTION_BY_IMPORT } from "../engine/guest/imports.ts";
import type { HostCall, TurnEnded } from "./remote_pb.ts";
import type { Session } from "./session.ts";

const NOTHING: Bytes = new Uint8Array(0);
const DONE = Promise.resolve(NOTHING);
const FUNCTIONS: ReadonlySet<string> = new Set(FUNCTION_BY_IMPORT.values());
const encoder = new TextEncoder();

/** What a session offers to do. */
export interface Peer {
  readonly session: Session;
  readonly entryPoints: ReadonlySet<string>;
}

export const remoteEngine = (peer: Peer): Engine => ({
  compile: async () => ({ isStateful: true, instantiate: (environment) => new RemoteInstance(peer, environment) }),
});

class RemoteInstance implements GuestInstance {
  readonly #peer: Peer;
  readonly #environment: GuestEnvironment;
  #fate: HostError | undefined;
  #calls = 0;
  #fuel = 0;
  readonly fuelForfeited = 0;
  readonly memoryBytes = 0;

  constructor(peer: Peer, environment: GuestEnvironment) {
    this.#peer = peer;
    this.#environment = environment;
  }

  /** It takes none: what was given is all there. */
  get fuelLeft(): number {
    return this.#fuel;
  }

  get hostCalls(): number {
    return this.#calls;
  }

  run(entryPoint: string, input: TurnInput, fuel: number, done: (result: GuestResult) => void): void {
    this.#fuel = fuel;
    this.#run(entryPoint, input).then(done, (thrown: unknown) => done(this.#broken(thrown)));
  }

  doom(error: HostError): void {
    if (this.#fate !== undefined) return;
    this.#fate = error;
    this.#peer.session.cancel(error.code);
  }

  async #run(entryPoint: string, input: TurnInput): Promise<GuestResult> {
    const { session, entryPoints } = this.#peer;
    // Steps of its life that it does not have; whatever else its manifest names it offers.
    if (!entryPoints.has(entryPoint)) {
      await DONE;
      return { ok: true, output: NOTHING };
    }
    // The turn before may have been cancelled, and the peer be busy with it.
    if (!session.isFree && !(await this.#until(session.free()))) return this.#doomed();
    if (session.isOver) return this.#lost("its session is over");
    const { traceparent = "", remainingMs = 0 } = this.#environment.currentTurn?.() ?? {};
    session.begin({ entryPoint, input: typeof input === "string" ? encoder.encode(input) : input, traceparent, remainingMs });
    for (;;) {
      const next = session.next();
      if (!(await this.#until(next))) return this.#doomed();
      const step = await next;
      if (step.kind === "lost") return this.#lost(step.why);
      if (step.kind === "ended") return this.#ended(entryPoint, step.result);
      const block = await this.#answer(step.call);
      if (block === undefined || this.#fate !== undefined) return this.#doomed();
      session.answer(step.call, block);
    }
  }

  /** Others run meanwhile; false when the turn is to end. */
  async #until(what: Promise<unknown>): Promise<boolean> {
    const waited = await this.#environment.pacer.wait(what.then(() => NOTHING));
    return waited !== undefined && this.#fate === undefined;
  }

  async #answer({ function: name, args }: HostCall): Promise<Bytes | undefined> {
    const { limits, api, scope, pacer, storage, plugin } = this.#environment;
    const isFree = FREE_FUNCTIONS.has(name);
    if (!isFree) this.#calls += 1;
    if (!FUNCTIONS.has(name)) return encodeError(new HostError("invalid-message", `${plugin} asks for a host function that there is not`));
    const inCell = cellFunction(name, storage);
    if (inCell === undefined) {
      const answer = await pacer.wait(Promise.resolve(tooLargeFor(limits, name, args) ?? this.#environment.askHost(name, args)));
      return answer && blockFor(api, answer);
    }
    const answer = inCell(scope, args).slice();
    if (isFree && answer.length > FREE_BYTES) this.#calls += 1;
    if (!pacer.overdue()) return answer;
    this.#fuel = await pacer.refuel();
    return this.#fuel < 0 ? undefined : answer;
  }

  #ended(entryPoint: string, result: TurnEnded["result"]): GuestResult {
    const { plugin, limits } = this.#environment;
    if (result.case === "output") {
      const { length } = result.value;
      if (length <= limits.payloadBytes) return { ok: true, output: result.value };
      const message = `the output of ${plugin} has ${length} bytes; the limit is ${limits.payloadBytes} (limits.payloadMiB)`;
      return { ok: false, code: "quota-exceeded", message, broken: false };
    }
    const said = (result.value ?? NOTHING).subarray(0, MAX_SAID_BYTES);
    if (result.case === "failure") return { ok: false, broken: false, ...failureOf(this.#environment, entryPoint, said) };
    const message = said.length === 0 ? `${plugin} ended a turn without a word` : textOf(said);
    return { ok: false, code: "plugin-failed", message, broken: true };
  }

  #lost(why: string): GuestResult {
    return { ok: false, code: "plugin-failed", message: `the peer of ${this.#environment.plugin} is gone: ${why}`, broken: true };
  }

  #doomed(): GuestResult {
    return this.#broken(this.#fate ?? new HostError("deadline-exceeded", `the turn of ${this.#environment.plugin} was ended`));
  }

  #broken(thrown: unknown): GuestResult {
    // A turn that ends here and not in the peer: it has to hear of it.
    this.#peer.session.cancel(thrown instanceof HostError ? thrown.code : "internal");
    return brokenResult(this.#environment, { error: this.#fate ?? thrown, said: undefined, memoryBytes: 0 });
  }
}
