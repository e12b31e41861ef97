// An HTTP adapter over a core without plugins, for tests of its streams of events: real sockets, real clients, and a gate that lets in who has a token.

import { type HttpOptions, httpOptions } from "../../host/adapters/http/options.ts";
import { type HttpServer, startHttpServer } from "../../host/adapters/http/server.ts";
import type { TokenStore } from "../../host/admin/tokens.ts";
import { Host } from "../../host/core/host.ts";
import type { Clock } from "../../host/core/ports/clock.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { authSchema, parseScope } from "../../host/manifest/auth.ts";
import { testContext, tokensInMemory } from "./adapter-context.ts";
import { hostPorts } from "./host-ports.ts";
import { memoryLog } from "./memory-log.ts";
import { utf8 } from "./scripted-cell.ts";

export interface EventDoor extends AsyncDisposable {
  readonly server: HttpServer;
  readonly tokens: TokenStore;
  readonly log: ReturnType<typeof memoryLog>;
  /** How many hear of every event. */
  readonly observers: () => number;
  publish(type: string, data?: unknown, contentType?: string): void;
  tokenOf(name: string, role: string, ...scopes: readonly string[]): string;
}

export interface EventDoorOptions {
  readonly auth?: object;
  readonly http?: Partial<Record<keyof HttpOptions, unknown>>;
  readonly clock?: Clock;
}

export async function eventDoor({ auth = {}, http = {}, clock = systemClock }: EventDoorOptions = {}): Promise<EventDoor> {
  const log = memoryLog();
  const host = new Host(hostPorts({ clock: systemClock, log }));
  const tokens = tokensInMemory();
  const { context } = testContext(host, { log, adapter: "http", tokens, auth: authSchema.parse(auth) });
  let observing = 0;
  const counted: typeof context.observe = (observer) => {
    observing += 1;
    const undo = context.observe(observer);
    return () => {
      observing -= 1;
      undo();
    };
  };
  const server = await startHttpServer(httpOptions.parse({ port: 0, ...http }), { ...context, clock, observe: counted });
  return {
    ...{ server, tokens, log },
    observers: () => observing,
    publish(type, data = null, contentType = "application/json") {
      const bytes = contentType === "application/json" ? utf8(JSON.stringify(data)) : utf8(String(data));
      const [plugin = ""] = type.split(".");
      void host.publish(
        { type, contentType, data: bytes, source: `/plugins/${plugin}`, traceparent: "t" },
        { kind: "plugin", name: plugin },
      );
    },
    tokenOf: (name, role, ...scopes) =>
      tokens.create({ name, roles: [role], scopes: scopes.map(parseScope), owner: "user:ada", expiresAt: undefined }),
    [Symbol.asyncDispose]: () => server.close(),
  };
}
