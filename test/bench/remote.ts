// What a turn of a remote plugin costs beside a message that the library alone sends to another process and gets back, on one bidirectional stream.

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { RemoteWorld } from "../remote/world.ts";
import { eachCall, figure, measureInTurn, median, type Row } from "./measure.ts";

const CALLS = 2_000;
const ROUNDS = 5;
const GOAL = 3;
const PEER = fileURLToPath(new URL("remote-peer.ts", import.meta.url));
const PAYLOAD: string = "x".repeat(200);

const peer = (...args: readonly string[]): ChildProcess =>
  spawn(process.execPath, [PEER, ...args], { stdio: ["ignore", "ignore", "inherit"] });

export async function benchRemote(): Promise<Row[]> {
  await using world = await RemoteWorld.start({ manifest: { services: { "meter.echo": { entryPoint: "echo" } } } });
  const plugin = peer("plugin", world.address, world.token, world.manifest);
  const bare = await bareEcho();
  try {
    await world.running();
    const medians = await measureInTurn(
      {
        ours: async () => [median(await eachCall(CALLS, () => world.call("meter.echo", PAYLOAD)))],
        theirs: async () => [median(await eachCall(CALLS, bare.echo))],
      },
      { rounds: ROUNDS, warmUpRounds: 1 },
    );
    const [ours, theirs] = [median(medians.ours), median(medians.theirs)];
    const ratio = ours / theirs;
    return [
      {
        work: "turn of a remote plugin, 200 B, one at a time, p50; vs a bare bidirectional echo of grpc-js",
        ...{ ours: figure(ours, "µs"), theirs: figure(theirs, "µs"), ratio: `${ratio.toFixed(2)} × its time` },
        ...{ goal: `≤ ${GOAL} ×`, reached: ratio <= GOAL },
      },
    ];
  } finally {
    plugin.kill();
    bare.close();
  }
}

async function bareEcho(): Promise<{ echo(): Promise<void>; close(): void }> {
  const same = (bytes: Buffer): Buffer => bytes;
  const server = new Server();
  const opened = Promise.withResolvers<ServerDuplexStream<Buffer, Buffer>>();
  let heard = (): void => {};
  const method = { path: "/bench.Echo/Echo", requestStream: true, responseStream: true, requestSerialize: same, requestDeserialize: same };
  server.addService(
    { echo: { ...method, responseSerialize: same, responseDeserialize: same } },
    {
      echo(stream: ServerDuplexStream<Buffer, Buffer>) {
        stream.on("error", () => {});
        stream.once("data", () => opened.resolve(stream));
        stream.on("data", () => heard());
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const child = peer("bare", `127.0.0.1:${port}`);
  const stream = await opened.promise;
  const message = Buffer.from(PAYLOAD);
  return {
    echo: () =>
      new Promise((resolve) => {
        heard = resolve;
        stream.write(message);
      }),
    close() {
      child.kill();
      server.forceShutdown();
    },
  };
}
