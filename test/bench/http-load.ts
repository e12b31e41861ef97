// Clients that ask one path over and over, in a thread of their own, so that the server is what is measured.

import { once } from "node:events";
import { parentPort, Worker } from "node:worker_threads";
import { Pool } from "undici";

interface Load {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly connections: number;
  readonly requests: number;
}

export interface LoadThread {
  /** Requests a second. Rejects when one is not answered with 200. */
  run(load: Load): Promise<number>;
  close(): Promise<void>;
}

const IN_THREAD = "bulkhead-http-load";

export function loadThread(): LoadThread {
  const worker = new Worker(new URL(import.meta.url), { name: IN_THREAD, argv: [IN_THREAD] });
  return {
    async run(load) {
      worker.postMessage(load);
      const [answer] = (await once(worker, "message")) as [number | string];
      if (typeof answer === "string") throw new Error(answer);
      return answer;
    },
    async close() {
      await worker.terminate();
    },
  };
}

async function serve({ url, headers, connections, requests }: Load): Promise<number> {
  const { origin, pathname, search } = new URL(url);
  const path = pathname + search;
  const pool = new Pool(origin, { connections, pipelining: 1 });
  let left = requests;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const { statusCode, body } = await pool.request({ path, method: "GET", headers });
      if (statusCode !== 200) throw new Error(`${url} answered ${statusCode}: ${await body.text()}`);
      await body.arrayBuffer();
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: connections }, lane));
  const seconds = (performance.now() - start) / 1_000;
  await pool.close();
  return requests / seconds;
}

if (process.argv.includes(IN_THREAD))
  parentPort?.on("message", (load: Load) => {
    serve(load).then(
      (rate) => parentPort?.postMessage(rate),
      (failure: unknown) => parentPort?.postMessage(String(failure)),
    );
  });
