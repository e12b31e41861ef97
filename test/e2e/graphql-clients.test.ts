// A running host's GraphQL in the hands of clients that others wrote: urql, for queries and mutations, and graphql-sse, whose protocol subscriptions follow.

import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { CLIENTS, clientPackage, describeWithTool } from "../support/client-tools.ts";
import { eventually } from "../support/eventually.ts";
import { memoryLog } from "../support/memory-log.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

let folder: TemporaryFolder;
let host: RunningHost;
let url: string;
beforeAll(async () => {
  folder = temporaryFolder();
  const plugins = Object.fromEntries(["devices", "hello"].map((name) => [name, { path: ownPlugin(name), grants: "all" }]));
  const adapters = { http: { port: 0, graphql: true }, "control-socket": false };
  const text = JSON.stringify({ adapters, plugins, dataDir: join(folder.path, "data") });
  host = await createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")), log: memoryLog() });
  url = `${host.url}/graphql`;
});
afterAll(async () => {
  await host.stop();
  folder.remove();
});

interface Result {
  readonly data?: unknown;
  readonly error?: { readonly graphQLErrors: readonly { readonly message: string; readonly extensions: unknown }[] };
}
interface Operation {
  toPromise(): Promise<Result>;
}
interface UrqlClient {
  query(query: string, variables: object): Operation;
  mutation(query: string, variables: object): Operation;
}
interface Urql {
  readonly fetchExchange: unknown;
  readonly Client: new (options: object) => UrqlClient;
}

describeWithTool(join(CLIENTS, "@urql", "core"), "urql", () => {
  let client: UrqlClient;
  beforeAll(() => {
    const { Client, fetchExchange } = clientPackage("@urql/core") as Urql;
    client = new Client({ url, exchanges: [fetchExchange], preferGetMethod: false });
  });

  it("makes, reads and lists devices with their types", async () => {
    const make = 'mutation ($id: String!, $desired: JSON) { devices_create(id: $id, name: "Lamp", desired: $desired) { id desired } }';
    const made = await client.mutation(make, { id: "lamp", desired: { on: true } }).toPromise();
    expect([made.error, made.data]).toMatchObject([undefined, { devices_create: { id: "lamp", desired: { on: true } } }]);
    const read = await client
      .query('{ devices_list(limit: 1) { devices { id createdAtMs } next } one: devices_get(id: "lamp") { name } }', {})
      .toPromise();
    expect([read.error, read.data]).toMatchObject([
      undefined,
      { devices_list: { devices: [{ id: "lamp", createdAtMs: expect.any(Number) }], next: "lamp" }, one: { name: "Lamp" } },
    ]);
  });

  it("is told of refusals by their codes, and of queries that are none", async () => {
    const refused = await client.query('{ devices_get(id: "nobody") { id } }', {}).toPromise();
    expect(refused.error?.graphQLErrors).toMatchObject([{ extensions: { code: "refused", reason: "not-found" } }]);
    const limit = await client.query("{ devices_list(limit: 100000) { next } }", {}).toPromise();
    expect(limit.error?.graphQLErrors).toMatchObject([{ extensions: { code: "refused", reason: "invalid-input" } }]);
    const none = await client.query("{ devices_nope }", {}).toPromise();
    expect(none.error?.graphQLErrors).toMatchObject([{ extensions: { code: "invalid-message" } }]);
  });
});

interface SseClient {
  iterate(request: { readonly query: string; readonly variables?: object }): AsyncIterableIterator<Result>;
  dispose(): void;
}

describeWithTool(join(CLIENTS, "graphql-sse"), "the client of graphql-sse", () => {
  it("hears of events, and ends when it has heard enough", async () => {
    const { createClient } = clientPackage("graphql-sse") as { createClient(options: object): SseClient };
    const client = createClient({ url });
    const query = 'subscription { events(types: ["devices.**"]) { type data } }';
    const events = client.iterate({ query });
    const heard = events.next();
    let n = 0;
    let isHeard = false;
    void heard.finally(() => {
      isHeard = true;
    });
    // It tells nobody when it is connected: what is published before then it does not hear.
    await eventually("it hears", async () => {
      n += 1;
      await fetch(`${host.url}/v1/services/devices.create`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ id: `heard-${n}` }),
      });
      return isHeard || undefined;
    });
    expect((await heard).value).toMatchObject({
      data: { events: { type: expect.stringMatching(/^devices\./), data: expect.any(Object) } },
    });
    const [answer] = [await client.iterate({ query: 'mutation { hello_greet(name: "Ada") { message } }' }).next()];
    expect(answer.value).toEqual({ data: { hello_greet: { message: "Hello, Ada!" } } });
    await events.return?.();
    client.dispose();
  });
});
