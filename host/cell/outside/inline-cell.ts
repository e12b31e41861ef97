// A cell in the host's own thread: no hop, no copy. For plugins that the operator trusts, for tests and one-shot calls.

import type { Clock } from "../../core/ports/clock.ts";
import type { LogSink } from "../../core/ports/log.ts";
import type { StorageDriver } from "../../core/ports/storage.ts";
import type { PluginImage } from "../../core/types.ts";
import type { Randomness } from "../../engine/guest/random.ts";
import { engineOf } from "../inside/engines.ts";
import { Executor } from "../inside/executor.ts";
import type { Channel, FromCell, ToCell } from "../wire/protocol.ts";
import { CellClient, type CellClientPorts } from "./client.ts";

export interface InlineCellOptions extends Randomness {
  readonly clock: Clock;
  readonly log: LogSink;
  /** Opens the plugin's own storage. Throws HostError `storage-failed`. */
  openStorage(image: PluginImage): StorageDriver;
  /** See CellClientPorts. */
  readonly onRecorded?: CellClientPorts["onRecorded"];
}

export function createInlineCell({ clock, log, fillRandom, openStorage, onRecorded }: InlineCellOptions): CellClient {
  const [hostEnd, cellEnd] = connect();
  new Executor({ channel: cellEnd, engine: engineOf, clock, fillRandom, openStorage, onClose: () => {} });
  return new CellClient({ channel: hostEnd, clock, log, onRecorded, ended: async () => {} });
}

/** The two ends of a connection within one thread. */
export function connect(): [Channel<ToCell, FromCell>, Channel<FromCell, ToCell>] {
  const host = endpoint<ToCell, FromCell>();
  const cell = endpoint<FromCell, ToCell>();
  host.peer = cell;
  cell.peer = host;
  return [host, cell];
}

interface Endpoint<Out, In> extends Channel<Out, In> {
  peer: { deliver(message: Out): void } | undefined;
  deliver(message: In): void;
}

function endpoint<Out, In>(): Endpoint<Out, In> {
  let handler: ((message: In) => void) | undefined;
  return {
    peer: undefined,
    deliver: (message) => handler?.(message),
    send(message) {
      this.peer?.deliver(message);
    },
    flush() {},
    receive(next) {
      handler = next;
    },
    close() {
      this.peer = undefined;
    },
  };
}
