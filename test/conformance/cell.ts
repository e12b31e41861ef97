// A cell in this thread around any engine: what the inline cell is around its own, with the real scheduler and the real clock.

import { systemClock } from "../../host/adapters/system-clock.ts";
import { CellClient } from "../../host/cell/client.ts";
import { Executor } from "../../host/cell/executor.ts";
import type { Channel, FromCell, ToCell } from "../../host/cell/protocol.ts";
import type { Cell, LogSink } from "../../host/core/ports.ts";
import type { Engine } from "../../host/engine/engine.ts";
import { NO_STORAGE } from "./driver.ts";

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
  new Executor({ channel: cellEnd, engine: async () => engine, clock: systemClock, openStorage: () => NO_STORAGE, onClose: () => {} });
  return new CellClient({ channel: hostEnd, clock: systemClock, log, ended: async () => {} });
}
