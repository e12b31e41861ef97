// A cell in this thread around any engine: what the inline cell is around its own, with the real scheduler and the real clock.

import { Executor } from "../../host/cell/inside/executor.ts";
import { CellClient } from "../../host/cell/outside/client.ts";
import type { Channel, FromCell, ToCell } from "../../host/cell/wire/protocol.ts";
import type { Cell } from "../../host/core/ports/cell.ts";
import type { LogSink } from "../../host/core/ports/log.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import type { Engine } from "../../host/engine/engine.ts";
import { memoryDriver } from "../support/memory-storage.ts";

export function cellAround(engine: Engine, log: LogSink): Cell {
  let toCell: (message: ToCell) => void = () => {};
  let toHost: (message: FromCell) => void = () => {};
  const rest = { flush: () => {}, close: () => {} };
  const cellEnd: Channel<FromCell, ToCell> = {
    send: (message) => toHost(message),
    receive: (handler) => {
      toCell = handler;
    },
    ...rest,
  };
  const hostEnd: Channel<ToCell, FromCell> = {
    send: (message) => toCell(message),
    receive: (handler) => {
      toHost = handler;
    },
    ...rest,
  };
  new Executor({ channel: cellEnd, engine: async () => engine, clock: systemClock, openStorage: memoryDriver, onClose: () => {} });
  return new CellClient({ channel: hostEnd, clock: systemClock, log, ended: async () => {} });
}
