// One who speaks the Model Context Protocol with one principal, on whatever carries it: its tools are the services that it may call and whose words the
// operator has read. The SDK's low-level server, which compiles no schema; a new one for each request or connection, so that no answer can reach another.

import { createHash } from "node:crypto";
import { HostError, toHostError } from "../../../core/errors.ts";
import { printable } from "../../../core/names.ts";
import { API_VERSIONS } from "../../../core/wit.ts";
import type { AdapterContext, Catalog, Principal } from "../../../seams.ts";
import { Documents } from "../documents.ts";
import { refusalOf, resultOf } from "./answers.ts";
import type { CallToolResult, McpSdk, Server } from "./package.ts";
import { type ToolList, type ToolService, toolList } from "./tools.ts";

export interface McpPorts {
  readonly sdk: McpSdk;
  readonly context: Pick<AdapterContext, "call" | "catalog" | "clock" | "log" | "within">;
}

/** How a server is made for somebody. */
export interface McpClient {
  readonly principal: Principal;
  /** Whether it is told when tools change. */
  readonly isTold: boolean;
  /** Whether the door has counted what is no call before the message came here. */
  readonly isCounted: boolean;
  /** Aborts when the client has gone away. */
  readonly gone: AbortSignal;
}

/** How often clients are told at most that there are other tools. */
const TELL_MS = 1_000;
const INSTRUCTIONS = "Each tool is a service of a plugin. What it answers, and what it says of itself, comes from the plugin's author.";

export class Mcp {
  readonly #ports: McpPorts;
  readonly #lists: Documents<ToolList>;
  readonly #listeners = new Set<() => void>();
  #stopWatching: (() => void) | undefined;

  constructor(ports: McpPorts) {
    this.#ports = ports;
    this.#lists = new Documents(ports.context.catalog);
  }

  server({ principal, isTold, isCounted, gone }: McpClient): Server {
    const { sdk, context } = this.#ports;
    const { name, version } = { name: "bulkhead", version: API_VERSIONS.at(-1) ?? "" };
    const server = new sdk.Server({ name, version }, { capabilities: { tools: { listChanged: isTold } }, instructions: INSTRUCTIONS });
    const told = (thrown: unknown): never => {
      throw new sdk.ProtocolError(sdk.ProtocolErrorCode.InternalError, toHostError(thrown).message);
    };
    server.setRequestHandler("tools/list", async () => {
      const listed = async (): Promise<ToolList> => this.#listOf(principal);
      const { tools, truncated } = await (isCounted ? listed() : context.within(principal, listed).catch(told));
      return { tools: [...tools], ...(truncated && { _meta: { "bulkhead/truncated": { ...truncated } } }) };
    });
    server.setRequestHandler("tools/call", async ({ params }, { mcpReq }) => {
      const traceparent = params._meta?.[sdk.TRACEPARENT_META_KEY];
      const call = {
        given: params.arguments,
        signal: AbortSignal.any([gone, mcpReq.signal]),
        traceparent: typeof traceparent === "string" ? traceparent : undefined,
      };
      const service = this.#listOf(principal).services.get(params.name) ?? forbidden(principal, params.name);
      if (service === undefined)
        throw new sdk.ProtocolError(sdk.ProtocolErrorCode.InvalidParams, `Unknown tool: ${printable(params.name)}`);
      return this.#call(principal, service, call);
    });
    return server;
  }

  /** Tells, a moment later and once for many changes, that there are other tools; returns its undo. Nothing is compared while nobody wants to be told. */
  onToolsChanged(listener: () => void): () => void {
    this.#stopWatching ??= this.#watch();
    this.#listeners.add(listener);
    return () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
      this.#stopWatching?.();
      this.#stopWatching = undefined;
    };
  }

  #watch(): () => void {
    const { catalog, clock } = this.#ports.context;
    let known = toolsIn(catalog);
    let cancel: (() => void) | undefined;
    const look = (): void => {
      cancel = undefined;
      const now = toolsIn(catalog);
      if (now === known) return;
      known = now;
      for (const listener of this.#listeners) listener();
    };
    const undo = catalog.onChange(() => {
      cancel ??= clock.after(TELL_MS, look);
    });
    return () => {
      undo();
      cancel?.();
    };
  }

  #listOf(principal: Principal): ToolList {
    return this.#lists.get("tools", principal, ({ services }) => toolList(services));
  }

  async #call(principal: Principal, service: ToolService, { given, ...call }: ToolCall): Promise<CallToolResult> {
    const { context } = this.#ports;
    try {
      const payload = payloadOf(service, given ?? {});
      return resultOf(await context.call(principal, { ...call, service: service.name, payload }), service);
    } catch (thrown) {
      const error = toHostError(thrown);
      if (error.code === "internal")
        context.log.write({ level: "error", plugin: "host", message: "a call of a tool failed", cause: error });
      return refusalOf(error);
    }
  }
}

interface ToolCall {
  readonly given: Readonly<Record<string, unknown>> | undefined;
  readonly signal: AbortSignal;
  readonly traceparent: string | undefined;
}

/**
 * Of a name that the principal may not call in any case, whether there is such a service or not: the gate refuses it, and writes it down. Undefined for one that
 * it might call and that is no tool.
 */
const forbidden = (principal: Principal, name: string): ToolService | undefined =>
  principal.allows("services.call", name) || principal.allows("services.read", name)
    ? undefined
    : { name, consumes: undefined, produces: undefined, isWrapped: false, takesInput: true };

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Throws HostError `invalid-message`. */
function payloadOf({ name, consumes, isWrapped, takesInput }: ToolService, given: Readonly<Record<string, unknown>>): Uint8Array {
  if (consumes !== undefined) {
    const { data } = given;
    if (typeof data !== "string" || !BASE64.test(data)) throw new HostError("invalid-message", `data of ${name} is no base64`);
    return Buffer.from(data, "base64");
  }
  if (isWrapped && !Object.hasOwn(given, "input")) throw new HostError("invalid-message", `${name} needs input`);
  if (!takesInput && Object.keys(given).length === 0) return new Uint8Array(0);
  return Buffer.from(JSON.stringify(isWrapped ? given.input : given));
}

/** What tools there are for whoever may call everything; equal for two catalogs with the same ones. */
const toolsIn = ({ services }: Catalog): string =>
  createHash("sha256")
    .update(JSON.stringify(toolList(services).tools))
    .digest("base64");
