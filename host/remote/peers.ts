// The remote plugins of a host, by name: who may connect for which, and what is told of those that may not.

import { LogLimit } from "../bounds/log-limit.ts";
import { HostError, toHostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { LogSink } from "../core/ports/log.ts";
import type { Hello } from "./remote_pb.ts";
import { RemoteCell, type RemoteCellPorts } from "./remote-cell.ts";
import type { Session, SessionLimits } from "./session.ts";

export interface RemotePeersPorts {
  readonly clock: Clock;
  readonly log: LogSink;
}

/** Of what the log is told of peers that are refused: whoever dials again and again must not fill it. */
const LOG_BYTES_PER_MINUTE = 64 * 1_024;

export class RemotePeers {
  readonly #ports: RemotePeersPorts;
  readonly #cells = new Map<string, RemoteCell>();
  readonly #limit: LogLimit;
  /** Told when somebody has connected for a plugin, and waits. */
  onArrival: (plugin: string) => void = () => {};

  constructor(ports: RemotePeersPorts) {
    this.#ports = ports;
    this.#limit = new LogLimit(ports.clock, LOG_BYTES_PER_MINUTE);
  }

  /** The one cell of a plugin. */
  cellFor(name: string, openStorage: RemoteCellPorts["openStorage"]): RemoteCell {
    const onArrival = (plugin: string): void => this.onArrival(plugin);
    const cell = new RemoteCell({ ...this.#ports, name, openStorage, onArrival });
    this.#cells.set(name, cell);
    return cell;
  }

  /** `plugin` is whom the peer has shown to be. Throws HostError, and logs it. */
  admit(plugin: string, hello: Hello, session: Session): SessionLimits {
    try {
      if (hello.plugin !== plugin)
        throw new HostError("permission-denied", `it says that it is ${printable(hello.plugin)}, and has shown to be ${plugin}`);
      const cell = this.#cells.get(plugin);
      if (cell === undefined) throw new HostError("plugin-not-running", `${plugin} is not among the remote plugins of this host`);
      const limits = cell.admit(hello, session);
      this.#tell("info", plugin, `its peer has connected, session ${session.id}`);
      session.onLost((why) => this.#tell("warning", plugin, `its session ${session.id} is over: ${why.message}`));
      return limits;
    } catch (thrown) {
      this.#tell("warning", plugin, `a peer was refused: ${toHostError(thrown).message}`);
      throw thrown;
    }
  }

  /** Ends the session of a plugin whose peer may not be known any more. */
  cut(plugin: string, error: HostError): void {
    this.#cells.get(plugin)?.cut(error);
  }

  #tell(level: "info" | "warning", plugin: string, message: string): void {
    if (this.#limit.judge(message) !== "drop") this.#ports.log.write({ level, plugin: "host", about: plugin, message });
  }
}
