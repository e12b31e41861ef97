// Services as tools over streamable HTTP, as the official client of each revision sees them.

import { afterEach, describe, expect, it } from "vitest";
import { HostError } from "../../host/core/errors.ts";
import { ERAS, type McpWorld, type McpWorldOptions, mcpWorld } from "../support/mcp.ts";
import { type Script, textOf, utf8 } from "../support/scripted-cell.ts";

const SCRIPT: Script = {
  echo: (input) => input,
  who: (_input, { caller }) => utf8(JSON.stringify({ principal: caller.principal })),
  list: () => utf8("[1,2]"),
  nothing: () => undefined,
  picture: () => Uint8Array.of(0x89, 0x50, 0xff),
  wrapped: (input) => utf8(JSON.stringify({ got: textOf(input) })),
  bytes: (input) => utf8(JSON.stringify({ bytes: input.length })),
  refuse: () => {
    throw new HostError("refused", "no such lamp", { reason: "not-found", detail: "at secret.ts:1" });
  },
  hidden: () => utf8("1"),
};
const OBJECT = { type: "object", properties: { id: { type: "string" } }, required: ["id"] };
const SERVICES: McpWorldOptions["services"] = {
  "p.echo": { entryPoint: "echo", description: "Says it again.", readOnly: true, input: OBJECT, output: OBJECT },
  "p.who": { entryPoint: "who", idempotent: true },
  "p.list": { entryPoint: "list", deprecated: true, description: "Lists." },
  "p.nothing": { entryPoint: "nothing" },
  "p.picture": { entryPoint: "picture", produces: "image/png" },
  "p.wrapped": { entryPoint: "wrapped", input: { $ref: "#/$defs/name", $defs: { name: { type: "string" } } } },
  "p.bytes": { entryPoint: "bytes", consumes: "text/csv" },
  "p.refuse": { entryPoint: "refuse" },
  "p.hidden": { entryPoint: "hidden", public: false },
};

let world: McpWorld;
afterEach(() => world[Symbol.asyncDispose]());
const start = async (rest: Partial<McpWorldOptions> = {}): Promise<void> => {
  world = await mcpWorld({ script: SCRIPT, services: SERVICES, ...rest });
};

describe.each(ERAS)("tools for a client of %s", (era) => {
  it("are the services, with what their manifest says", async () => {
    await start();
    const client = await world.connect(era);
    expect(client.getNegotiatedProtocolVersion()).toBe(era);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name).sort()).toEqual(
      Object.keys(SERVICES)
        .filter((name) => name !== "p.hidden")
        .sort(),
    );
    const tool = (name: string) => tools.find((one) => one.name === name);
    expect(tool("p.echo")).toEqual({
      name: "p.echo",
      description: "Says it again.",
      inputSchema: OBJECT,
      outputSchema: OBJECT,
      annotations: { readOnlyHint: true, idempotentHint: true, destructiveHint: false },
    });
    expect(tool("p.who")?.annotations).toEqual({ readOnlyHint: false, idempotentHint: true, destructiveHint: true });
    expect(tool("p.list")?.description).toBe("Deprecated. Lists.");
    expect(tool("p.wrapped")?.inputSchema).toEqual({
      type: "object",
      properties: { input: { $ref: "#/$defs/def.name" } },
      required: ["input"],
      $defs: { "def.name": { type: "string" } },
    });
  });

  it("answer what the service answers: objects as such, bytes as a resource, refusals as errors", async () => {
    await start();
    const client = await world.connect(era);
    const call = (name: string, given?: Record<string, unknown>) => client.callTool({ name, ...(given && { arguments: given }) });
    expect(await call("p.echo", { id: "x" })).toMatchObject({
      content: [{ type: "text", text: '{"id":"x"}' }],
      structuredContent: { id: "x" },
    });
    expect((await call("p.who")).structuredContent).toEqual({ principal: "anonymous" });
    expect(await call("p.list")).toMatchObject({ content: [{ type: "text", text: "[1,2]" }] });
    expect((await call("p.list")).structuredContent).toBeUndefined();
    expect((await call("p.nothing")).content).toEqual([]);
    expect((await call("p.picture")).content).toEqual([
      { type: "resource", resource: { uri: "bulkhead://services/p.picture", mimeType: "image/png", blob: "iVD/" } },
    ]);
    expect((await call("p.wrapped", { input: "a" })).structuredContent).toEqual({ got: '"a"' });
    expect((await call("p.bytes", { data: "AAECAw==" })).structuredContent).toEqual({ bytes: 4 });
    const refused = await call("p.refuse");
    expect(refused.isError).toBe(true);
    expect(refused.content).toEqual([{ type: "text", text: '{"error":{"code":"refused","message":"no such lamp","reason":"not-found"}}' }]);
    for (const [name, given] of [
      ["p.bytes", { data: "no base64!" }],
      ["p.wrapped", {}],
    ] as const)
      expect(await call(name, given), name).toMatchObject({
        isError: true,
        content: [{ text: expect.stringContaining("invalid-message") }],
      });
  });

  it("are only those that the principal may call, and no other is told of", async () => {
    await start({ auth: { mode: "required" } });
    const names = async (token: string) => (await (await world.connect(era, token)).listTools()).tools.map(({ name }) => name);
    expect(await names(world.tokenOf("viewer"))).toEqual(["p.echo"]);
    expect(await names(world.tokenOf("operator", "services.call:p.who"))).toEqual(["p.who"]);
    const client = await world.connect(era, world.tokenOf("operator", "services.call:p.list", "services.call:p.none"));
    await expect(client.callTool({ name: "p.none" })).rejects.toThrow("Unknown tool: p.none");
    // Whether there is such a service or not.
    for (const name of ["p.who", "p.nobody", "p.hidden", "admin.list", "list", "restart"])
      expect(await client.callTool({ name }), name).toMatchObject({
        isError: true,
        content: [{ text: expect.stringContaining("permission-denied") }],
      });
    const viewer = await world.connect(era, world.tokenOf("viewer", "services.read:**"));
    for (const name of ["p.who", "p.nobody", "list"]) await expect(viewer.callTool({ name }), name).rejects.toThrow("Unknown tool");
    expect((await (await world.connect(era, world.tokenOf("operator"))).callTool({ name: "p.who" })).structuredContent).toEqual({
      principal: "token:operator0",
    });
  });

  it("go on with the trace that the client began", async () => {
    const seen: string[] = [];
    const trace = "0af7651916cd43dd8448eb211c80319c";
    await start({ script: { ...SCRIPT, list: (_input, { traceparent }) => void seen.push(traceparent) } });
    const client = await world.connect(era);
    await client.callTool({ name: "p.list", _meta: { traceparent: `00-${trace}-b7ad6b7169203331-01` } });
    await client.callTool({ name: "p.list", _meta: { traceparent: "nonsense" } });
    expect(seen[0]).toMatch(new RegExp(`^00-${trace}-`));
    expect(seen[1]).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(seen[1]).not.toContain(trace);
  });

  it("are none until the operator has read what is said of them", async () => {
    await start();
    const client = await world.connect(era);
    world.read(false);
    expect((await client.listTools()).tools).toEqual([]);
    await expect(client.callTool({ name: "p.list" })).rejects.toThrow("Unknown tool: p.list");
    world.read(true);
    expect((await client.callTool({ name: "p.list" })).content).toEqual([{ type: "text", text: "[1,2]" }]);
  });
});
