// Stands between a client and a server, and can keep the server's answers to itself: what was asked is done, and nobody hears of it.

import { connect, createServer, type Socket } from "node:net";

export interface MuteProxy {
  readonly port: number;
  mute(): () => void;
  close(): Promise<void>;
}

export async function muteProxy(to: number): Promise<MuteProxy> {
  let isMute = false;
  const open = new Set<Socket>();
  const spoiled = new Set<Socket>();
  const server = createServer((client) => {
    const behind = connect(to, "127.0.0.1");
    for (const socket of [client, behind]) {
      open.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => {
        for (const one of [client, behind]) {
          one.destroy();
          open.delete(one);
        }
      });
    }
    client.on("data", (chunk) => behind.write(chunk));
    behind.on("data", (chunk) => {
      if (isMute) spoiled.add(client);
      else client.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { readonly port: number }).port,
    mute() {
      isMute = true;
      return () => {
        isMute = false;
        // Of these an answer is missing.
        for (const client of spoiled) client.destroy();
        spoiled.clear();
      };
    },
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
