// The door of the `bulkhead` command: whoever can open the socket in the data folder is the operator.

import { join } from "node:path";
import { z } from "zod";
import type { Adapter } from "../../seams.ts";
import { McpSocket } from "./mcp.ts";
import { listenForControl } from "./server.ts";

export const CONTROL_SOCKET = "control.sock";

interface Folder extends AsyncDisposable {
  readonly dataDir: string;
}

export const controlSocket: Adapter<object, Folder> = {
  name: "control-socket",
  options: z.strictObject({}),
  open: async ({ dataDir }) => ({ dataDir, async [Symbol.asyncDispose]() {} }),
  async start(context, _options, opened) {
    const operator = await context.authenticate({ kind: "operator" });
    const path = join(opened?.dataDir ?? "", CONTROL_SOCKET);
    const mcp = new McpSocket(context);
    const socket = await listenForControl(path, {
      invoke: (operation, input) => context.operate(operator, operation, input),
      door: { context, principal: operator },
      upgrade: (request, upgraded, head) => mcp.speak(request, { socket: upgraded, head }),
    });
    return { address: path, [Symbol.asyncDispose]: () => socket.close() };
  },
};
