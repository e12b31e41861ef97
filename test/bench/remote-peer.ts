// The other side of the bench of remote plugins, a process of its own: an echo by the SDK, or one by the library alone.

import { Client, credentials } from "@grpc/grpc-js";
import { connect } from "../../plugin-sdk/remote-node/src/index.ts";

const [mode, address = "", token = "", manifest = ""] = process.argv.slice(2);

const same = (bytes: Buffer): Buffer => bytes;

if (mode === "plugin") connect({ services: { echo: (request) => request.bytes } }, { address, token, manifest, onState() {} });
else {
  const stream = new Client(address, credentials.createInsecure()).makeBidiStreamRequest("/bench.Echo/Echo", same, same);
  stream.on("data", (message: Buffer) => stream.write(message));
  stream.on("error", () => process.exit(0));
  stream.write(Buffer.from("here"));
}
