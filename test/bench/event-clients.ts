// Clients that follow events over HTTP and read all that comes, in a thread of their own, so that the server is what is measured.

import { once } from "node:events";
import { createConnection } from "node:net";
import { parentPort, Worker } from "node:worker_threads";

interface Connect {
  readonly port: number;
  readonly path: string;
  readonly clients: number;
}

export interface EventClients {
  /** Connects; resolves when each has been answered. */
  connect(to: Connect): Promise<void>;
  /** Resolves when each client of the last `connect` to that port has heard one event more. */
  heard(port: number): Promise<void>;
  close(): Promise<void>;
}

const IN_THREAD = "bulkhead-event-clients";
const DATA = Buffer.from("data: ");

export function eventClients(): EventClients {
  const worker = new Worker(new URL(import.meta.url), { name: IN_THREAD, argv: [IN_THREAD] });
  worker.setMaxListeners(0);
  const told = async (what: string): Promise<void> => {
    for (;;) {
      const [message] = (await once(worker, "message")) as [string];
      if (message === what) return;
    }
  };
  return {
    async connect(to) {
      const answered = told(`answered ${to.port}`);
      worker.postMessage(to);
      await answered;
    },
    heard: (port) => told(`heard ${port}`),
    async close() {
      await worker.terminate();
    },
  };
}

function follow({ port, path, clients }: Connect): void {
  let [answered, heard] = [0, 0];
  for (let i = 0; i < clients; i += 1) {
    const socket = createConnection(port, "127.0.0.1");
    let isAnswered = false;
    socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`);
    socket.on("data", (chunk: Buffer) => {
      if (!isAnswered) {
        isAnswered = true;
        answered += 1;
        if (answered === clients) parentPort?.postMessage(`answered ${port}`);
      }
      for (let at = chunk.indexOf(DATA); at >= 0; at = chunk.indexOf(DATA, at + DATA.length)) heard += 1;
      if (heard < clients) return;
      heard -= clients;
      parentPort?.postMessage(`heard ${port}`);
    });
  }
}

if (process.argv.includes(IN_THREAD)) parentPort?.on("message", follow);
