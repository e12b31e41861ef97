// Turns that are transactions of plugins whose storage is on the host's side: before a turn the cell asks what of its events was handled, at its end it asks for
// the commit. What lies in between is the turn's own.

import { HostError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import type { HostFunction } from "../../core/host-functions.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { RemoteStorage } from "../../core/ports/storage.ts";
import { traceIdOf } from "../../core/trace.ts";
import type { TurnContext } from "../../core/turn.ts";
import type { Bytes, CloudEvent, MaybePromise } from "../../core/types.ts";
import type { PluginStores } from "./functions.ts";
import { retrying } from "./retrying.ts";
import { TurnStorage } from "./turn-storage.ts";

/** Rows of events that were handed out go with the next commit, or by themselves after a while. */
const TIDY_MS = 1_000;
const ENCODER = new TextEncoder();

type Scope = Parameters<HostFunction["answer"]>[0];

interface Own {
  readonly storage: TurnStorage;
  /** The turn that runs: a plugin runs one at a time. */
  context: TurnContext | undefined;
  /** Whether it is known what the store has of earlier turns. */
  isKnown: boolean;
  /** Rows whose events the host may still have. */
  readonly waiting: string[];
  isTidying: boolean;
}

/** What turns have published, as long as it is not handed out. */
interface StagedEvents {
  staged(context: TurnContext): readonly CloudEvent[];
  commit(plugin: string, context: TurnContext): Promise<boolean>;
  recover(scope: Scope, row: readonly Bytes[]): Promise<void>;
}

export interface RemoteTransactionsPorts {
  readonly core: () => Host;
  readonly clock: Clock;
  readonly stores: PluginStores;
  readonly transactions: StagedEvents;
}

export class RemoteTransactions implements PluginStores {
  readonly #ports: RemoteTransactionsPorts;
  readonly #plugins = new Map<string, Own>();

  constructor(ports: RemoteTransactionsPorts) {
    this.#ports = ports;
  }

  /** A plugin's storage as a turn of it sees it. */
  of(plugin: string, context: TurnContext): MaybePromise<RemoteStorage> {
    if (this.#ports.core().plugin(plugin)?.definition.transaction === undefined) return this.#ports.stores.of(plugin, context);
    const own = this.#plugins.get(plugin);
    if (own?.context === context) return own.storage;
    throw new HostError("deadline-exceeded", "the turn has ended");
  }

  /** For the core's port `cellFunctions`. */
  readonly functions: ReadonlyMap<string, HostFunction> = new Map<string, HostFunction>([
    ["transaction.begin", { needs: undefined, answer: (scope) => this.#begin(scope) }],
    ["transaction.commit", { needs: undefined, answer: (scope, args) => this.#commit(scope, args) }],
  ]);

  /** Forgets what turns did that did not end well, and plugins that are gone. Returns the undo. */
  follow(): () => void {
    return this.#ports.core().observe({
      turn: ({ plugin, traceparent }) => {
        const own = this.#plugins.get(plugin);
        if (own?.context?.traceparent === traceparent) end(own);
      },
      plugins: ({ name }) => (this.#ports.core().plugin(name) === undefined ? this.#plugins.delete(name) : undefined),
    });
  }

  /** Answers with the indices of the events that were handled before. */
  async #begin(scope: Scope): Promise<Bytes> {
    const { plugin, context } = scope;
    const own = this.#own(plugin.name, plugin.definition.storage);
    end(own);
    own.context = context;
    if (!own.isKnown) await this.#recover(scope, own);
    const before = context.handles === undefined ? [] : await own.storage.handledBefore(context.handles);
    if (own.context !== context) throw new HostError("deadline-exceeded", "the turn has ended");
    return Uint8Array.of(0, ...before);
  }

  async #commit({ plugin: { name }, context }: Scope, [handled]: readonly Bytes[]): Promise<Bytes> {
    const { clock, stores, transactions } = this.#ports;
    const own = this.#plugins.get(name);
    if (own?.context !== context) throw new HostError("deadline-exceeded", "the turn has ended");
    own.context = undefined;
    const published = transactions
      .staged(context)
      .map(({ type, contentType, data, id }) => [ENCODER.encode(type), ENCODER.encode(contentType), data, ENCODER.encode(id)]);
    const store = retrying(await stores.of(name, context), { clock, deadline: context.deadline });
    const done = { trace: traceIdOf(context.traceparent), published, events: context.handles, handled: handled?.[0] ?? 0 };
    let rows: readonly string[];
    try {
      rows = await own.storage.end(done, (commit) => store.commit(commit));
    } catch (thrown) {
      // It may have been made, and its answer lost: what the store has is looked for before the next turn.
      own.isKnown = false;
      throw thrown;
    }
    own.waiting.push(...rows);
    if (rows.length > 0 && (await transactions.commit(name, context))) {
      // In order, so those of earlier turns too.
      own.storage.handedOut(own.waiting.splice(0));
      this.#tidyLater(own);
    }
    return Uint8Array.of(0);
  }

  async #recover(scope: Scope, own: Own): Promise<void> {
    const { clock, transactions } = this.#ports;
    const left = await own.storage.left();
    own.waiting.length = 0;
    for (const { key, parts } of left) {
      if (clock.monotonicMs() >= scope.context.deadline) throw new HostError("deadline-exceeded", "events of earlier turns wait still");
      await transactions.recover(scope, parts);
      own.storage.handedOut([key]);
    }
    await own.storage.tidy();
    own.isKnown = true;
  }

  #own(name: string, side: string | undefined): Own {
    if (side !== "host") throw new HostError("permission-denied", `the storage of ${name} is not on the host's side`);
    const { stores, clock } = this.#ports;
    const found = this.#plugins.get(name);
    if (found !== undefined) return found;
    const storage = new TurnStorage(
      () => stores.of(name, undefined),
      () => clock.now(),
    );
    const own = { storage, context: undefined, isKnown: false, waiting: [], isTidying: false };
    this.#plugins.set(name, own);
    return own;
  }

  #tidyLater(own: Own): void {
    if (own.isTidying) return;
    own.isTidying = true;
    this.#ports.clock.after(TIDY_MS, () => {
      own.isTidying = false;
      // What stays goes with the next commit, and who hands out events knows what it has handed out.
      void own.storage.tidy().catch(() => {});
    });
  }
}

function end(own: Own): void {
  own.context = undefined;
  own.storage.rollback();
}
