// The plugin users saying who comes in, on a host with real cells and over HTTP: programs by a token, people by a session, and nobody while it is away.

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { buildPlugin } from "../../scripts/build-plugins.ts";
import { eventually } from "../support/eventually.ts";
import { memoryLog } from "../support/memory-log.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const PASSWORD = "correct horse";
const AUTH = {
  mode: "required",
  plugin: { name: "users", groups: ["staff"] },
  groups: { staff: ["operator"], owners: ["admin"] },
  open: ["users.token", "users.revoke", "users.jwks"],
};

describe("the plugin users", () => {
  const log = memoryLog();
  let folder: TemporaryFolder;
  let host: RunningHost;
  beforeAll(async () => {
    await buildPlugin(ownPlugin("users"));
    folder = temporaryFolder();
    const plugins = Object.fromEntries(["users", "hello"].map((name) => [name, { path: ownPlugin(name), grants: "all" }]));
    const text = JSON.stringify({ adapters: { http: { port: 0 }, "control-socket": false }, auth: AUTH, plugins });
    host = await createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")), log });
    await host.call("users.create", { name: "ada", password: PASSWORD, groups: ["staff", "owners"] });
  }, 120_000);
  afterAll(async () => {
    await host.stop();
    folder.remove();
  });

  /** On a machine that is busy with other things the plugin may need longer than the host waits for it; who comes then is told to come again. */
  const ask = async (path: string, how: RequestInit = {}, isAway = false) => {
    const come = async (): Promise<Response | undefined> => {
      const response = await fetch(`${host.url}${path}`, how);
      return response.status === 503 && !isAway ? undefined : response;
    };
    const response = await eventually("the plugin answers in time", come);
    const text = await response.text();
    return { status: response.status, body: text === "" ? undefined : JSON.parse(text), cookie: response.headers.get("set-cookie") };
  };
  const form = (fields: Readonly<Record<string, string>>): RequestInit => ({ method: "POST", body: new URLSearchParams(fields) });
  const entering = (): [path: string, how: RequestInit] => [
    "/v1/login",
    {
      method: "POST",
      headers: { "content-type": "application/json", origin: host.url ?? "", "sec-fetch-site": "same-origin" },
      body: JSON.stringify({ name: "ada", password: PASSWORD }),
    },
  ];
  const tokenOf = () => ask("/users/token", form({ grant_type: "password", username: "ada", password: PASSWORD }));
  const greet = (headers: Readonly<Record<string, string>>) => ask("/hello/Ada", { headers });

  it("gives a token to who knows the password, without asking who he is, and the token lets him in", async () => {
    expect((await greet({})).status).toBe(401);
    const { status, body } = await tokenOf();
    expect(status).toBe(200);
    expect(await greet({ authorization: `Bearer ${body.access_token}` })).toMatchObject({ status: 200, body: { message: "Hello, Ada!" } });
    // Into the group that is an administrator's the plugin may put nobody.
    const admin = await ask("/v1/admin/grant", { method: "POST", headers: { authorization: `Bearer ${body.access_token}` } });
    expect(admin.status).toBe(403);
    expect((await greet({ authorization: `Bearer ${body.access_token.slice(0, -3)}AAA` })).status).toBe(401);
    expect(await ask("/users/jwks.json")).toMatchObject({ status: 200, body: { keys: [{ kty: "EC", alg: "ES256" }] } });
    // What is not open is not, whatever path leads to it.
    for (const path of ["/v1/services/users.list", "/v1/services/users.authenticate", "/v1/plugins"])
      expect((await ask(path)).status, path).toBe(401);
  });

  it("lets people log in with a session, by which the host knows them", async () => {
    const login = await ask(...entering());
    expect(login).toMatchObject({ status: 200, body: { principal: "users/ada" } });
    const cookie = login.cookie?.split(";")[0] ?? "";
    expect((await ask("/v1/session", { headers: { cookie } })).body).toEqual({ principal: "users/ada" });
    expect((await greet({ cookie })).status).toBe(200);
  });

  it("is asked by the host alone, whatever somebody may call", async () => {
    const { body } = await tokenOf();
    const refused = await ask("/v1/services/users.authenticate", {
      method: "POST",
      headers: { authorization: `Bearer ${body.access_token}`, "content-type": "application/json" },
      body: JSON.stringify({ scheme: "password", name: "ada", password: PASSWORD }),
    });
    expect([refused.status, refused.body.error.reason]).toEqual([403, "forbidden"]);
  });

  it("leaves nobody in, nor anybody as somebody else, while it is away", async () => {
    const { body } = await tokenOf();
    const headers = { authorization: `Bearer ${body.access_token}` };
    await host.core.plugin("users")?.stop(0);
    // One whom it has named a moment ago comes in as long as that holds; a new one is told to come back.
    const fresh = await ask("/hello/Ada", { headers: { authorization: `Bearer ${body.access_token}x` } }, true);
    expect([fresh.status, fresh.body.error.code]).toEqual([503, "plugin-not-running"]);
    const login = await ask(...entering(), true);
    expect(login.status).toBe(503);
    expect((await greet({})).status).toBe(401);
    expect(log.lines.some(({ message }) => message.startsWith("users, which says who somebody is (auth.plugin), does not"))).toBe(true);
    await host.core.plugin("users")?.start();
    await eventually("it is back", async () => (await greet(headers)).status === 200 || undefined);
  });
});
