// The gRPC door: a generic call of every service, events as a stream, health and reflection, on a port of its own.

import type { Adapter, Opened } from "../../seams.ts";
import { type GrpcOptions, grpcOptions } from "./options.ts";

interface Loaded extends Opened {
  readonly start: typeof import("./server.ts").startGrpcServer;
}

export const grpc: Adapter<GrpcOptions, Loaded> = {
  name: "grpc",
  options: grpcOptions,
  packages: {
    "@bufbuild/protobuf": "^2.17.0",
    "@grpc/grpc-js": "^1.14.7",
    "@grpc/reflection": "^1.0.4",
    "grpc-health-check": "^2.1.0",
  },
  // Loaded before anything listens, so that a package that is missing is told then.
  open: async () => ({ start: (await import("./server.ts")).startGrpcServer, async [Symbol.asyncDispose]() {} }),
  async start(context, options, loaded) {
    const start = loaded?.start ?? (await import("./server.ts")).startGrpcServer;
    const server = await start(options, context);
    return { address: server.url, [Symbol.asyncDispose]: () => server.close() };
  },
};
