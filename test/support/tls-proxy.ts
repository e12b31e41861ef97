// A server for https://api.test, and the proxy by which alone it is reached, for tests of what goes through proxies.

import { readFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { fileURLToPath } from "node:url";

export interface ProxiedServer extends AsyncDisposable {
  /** Lines of an .npmrc that lead to it. */
  readonly npmrc: string;
  /** Where tunnels were asked for. */
  readonly tunnels: (string | undefined)[];
}

const tlsFile = (name: string): string => fileURLToPath(new URL(`../adapters/tls/${name}`, import.meta.url));
const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

export async function startBehindProxy(listener: RequestListener): Promise<ProxiedServer> {
  const server = createTlsServer({ key: readFileSync(tlsFile("api.test.key")), cert: readFileSync(tlsFile("api.test.crt")) }, listener);
  const proxy = createServer();
  const tunnels: (string | undefined)[] = [];
  proxy.on("connect", ({ url: target }, client: Socket) => {
    tunnels.push(target);
    const behind = connect(portOf(server), "127.0.0.1", () => client.write("HTTP/1.1 200 OK\r\n\r\n"));
    for (const socket of [behind, client]) socket.on("error", () => {});
    behind.pipe(client).pipe(behind);
  });
  for (const one of [server, proxy]) await new Promise<void>((listening) => one.listen(0, "127.0.0.1", listening));
  return {
    npmrc: `https-proxy=http://127.0.0.1:${portOf(proxy)}/\ncafile=${tlsFile("api.test.crt")}\n`,
    tunnels,
    [Symbol.asyncDispose]: async () => {
      for (const one of [server, proxy] as Server[]) {
        one.closeAllConnections();
        await new Promise((closed) => one.close(closed));
      }
    },
  };
}
