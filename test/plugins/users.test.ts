// The users plugin in the real core, by the kit of plugins' tests: cryptography and permissions are real, the clock is the test's.

import { createPublicKey, verify } from "node:crypto";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadPlugin } from "../../host/testing/index.ts";
import { buildPlugin } from "../../scripts/build-plugins.ts";

const FOLDER = fileURLToPath(new URL("../../plugins/users", import.meta.url));
const PASSWORD = "correct horse";
type Users = Awaited<ReturnType<typeof loadPlugin>>;

let users: Users;
beforeEach(async () => {
  await buildPlugin(FOLDER);
  users = await loadPlugin(FOLDER, { now: Date.parse("2026-01-01T00:00:00Z") });
  await users.call("users.create", { name: "ada", password: PASSWORD, groups: ["staff"] });
});
afterEach(() => users.stop());

const authenticate = async (credential: object): Promise<unknown> =>
  (await users.call("users.authenticate", credential, { caller: { kind: "host", name: "gate" } })).json();
const kept = (key: string): string => Buffer.from(users.stored.get(key) ?? []).toString();
const refusedFor = (reason: string) => ({ code: "refused", reason });

/** What an endpoint of OAuth 2 answers to a form. */
async function post(service: string, fields: Readonly<Record<string, string>>): Promise<{ status: number; body: Record<string, string> }> {
  const head = { method: "POST", path: "/users/token", query: "", params: {}, headers: [] };
  const answer = (await users.call(service, `${JSON.stringify(head)}\n${new URLSearchParams(fields)}`)).text();
  const [line = "", body = ""] = answer.split("\n");
  return { status: JSON.parse(line).status, body: JSON.parse(body) };
}
const token = (fields: Readonly<Record<string, string>>) => post("users.token", fields);
const login = (password = PASSWORD) => token({ grant_type: "password", username: "ada", password });

describe("users", () => {
  it("are added, shown without their password, changed and removed, and each change is told with who made it", async () => {
    expect((await users.call("users.get", { name: "ada" })).json()).toEqual({
      ...{ name: "ada", groups: ["staff"], disabled: false, hasPassword: true },
      createdAtMs: Date.parse("2026-01-01T00:00:00Z"),
    });
    await users.call("users.create", { name: "bob" });
    const page = (await users.call("users.list", { limit: 1 })).json() as { users: { name: string }[]; next: string };
    expect([page.users.map(({ name }) => name), page.next]).toEqual([["ada"], "ada"]);
    expect((await users.call("users.list", { after: "ada" })).json()).toMatchObject({
      users: [{ name: "bob", hasPassword: false }],
      next: null,
    });
    await users.call("users.set-groups", { name: "bob", groups: ["guests"] });
    await users.call("users.remove", { name: "bob" });
    await expect(users.call("users.get", { name: "bob" })).rejects.toMatchObject(refusedFor("not-found"));
    expect(users.published.map(({ data }) => data)).toMatchObject([
      { name: "ada", kind: "user", what: "created" },
      { name: "bob", what: "created" },
      { name: "bob", what: "groups" },
      { name: "bob", what: "removed" },
    ]);
  });

  it("are kept with argon2id, and programs with a hash of their secret", async () => {
    await users.call("users.create-client", { id: "ci" });
    expect(kept("user/ada")).toMatch(/"secret":"\$argon2id\$/);
    expect(kept("user/ada")).not.toContain(PASSWORD);
    expect(kept("client/ci")).toMatch(/"secret":"[\w-]{43}"/);
  });

  it.each([
    [{ name: "Ada" }, "invalid-input"],
    [{ name: "../x" }, "invalid-input"],
    [{ name: "ada" }, "conflict"],
    [{ name: "eve", password: "short" }, "invalid-input"],
    [{ name: "eve", groups: [""] }, "invalid-input"],
    [{ name: "eve", admin: true }, "invalid-input"],
  ])("refuses %j", async (request, reason) => {
    await expect(users.call("users.create", request)).rejects.toMatchObject(refusedFor(reason));
  });
});

describe("a password", () => {
  it("says who shows it, to the host and to nobody else", async () => {
    expect(await authenticate({ scheme: "password", name: "ada", password: PASSWORD })).toEqual({ subject: "ada", groups: ["staff"] });
    for (const password of ["wrong horse", "", "x".repeat(1_000)])
      await expect(authenticate({ scheme: "password", name: "ada", password })).rejects.toMatchObject(refusedFor("forbidden"));
    const asked = users.call("users.authenticate", { scheme: "password", name: "ada", password: PASSWORD });
    await expect(asked).rejects.toMatchObject(refusedFor("forbidden"));
  });

  it("is tried five times in a quarter of an hour, whether there is somebody of the name or not", async () => {
    for (const name of ["ada", "nobody"]) {
      for (let i = 0; i < 5; i += 1)
        await expect(authenticate({ scheme: "password", name, password: "wrong" })).rejects.toMatchObject(refusedFor("forbidden"));
      await expect(authenticate({ scheme: "password", name, password: PASSWORD })).rejects.toMatchObject(refusedFor("unavailable"));
    }
    await users.clock.advance(15 * 60_000);
    expect(await authenticate({ scheme: "password", name: "ada", password: PASSWORD })).toMatchObject({ subject: "ada" });
  });

  it("is nobody's once he is disabled, has another one, or has none", async () => {
    await users.call("users.set-disabled", { name: "ada", disabled: true });
    await expect(authenticate({ scheme: "password", name: "ada", password: PASSWORD })).rejects.toMatchObject(refusedFor("forbidden"));
    await users.call("users.set-disabled", { name: "ada", disabled: false });
    await users.call("users.set-password", { name: "ada", password: "battery staple" });
    await expect(authenticate({ scheme: "password", name: "ada", password: PASSWORD })).rejects.toMatchObject(refusedFor("forbidden"));
    expect(await authenticate({ scheme: "password", name: "ada", password: "battery staple" })).toMatchObject({ subject: "ada" });
    await users.call("users.create", { name: "bob" });
    for (const password of ["", "x"])
      await expect(authenticate({ scheme: "password", name: "bob", password })).rejects.toMatchObject(refusedFor("forbidden"));
  });

  it("lets him stay whom it has let in, until he is disabled or removed", async () => {
    expect(await authenticate({ scheme: "subject", subject: "ada" })).toEqual({ subject: "ada", groups: ["staff"] });
    await users.call("users.set-disabled", { name: "ada", disabled: true });
    for (const subject of ["ada", "nobody", "client:ada", ""])
      await expect(authenticate({ scheme: "subject", subject }), subject).rejects.toMatchObject({ code: "refused" });
  });

  it("is changed by its owner, who shows the one that he has", async () => {
    const change = (principal: string, current: string) =>
      users.call(
        "users.change-password",
        { current, password: "battery staple" },
        { caller: { kind: "adapter", name: "http", principal } },
      );
    await expect(change("users/ada", "wrong")).rejects.toMatchObject(refusedFor("forbidden"));
    await expect(change("token:ci", PASSWORD)).rejects.toMatchObject(refusedFor("forbidden"));
    await change("users/ada", PASSWORD);
    expect(await authenticate({ scheme: "password", name: "ada", password: "battery staple" })).toMatchObject({ subject: "ada" });
  });
});

describe("an access token", () => {
  const bearer = (text: string | undefined) => authenticate({ scheme: "bearer", token: text ?? "" });

  it("says who shows it for a quarter of an hour", async () => {
    const { status, body } = await login();
    expect([status, body.token_type, body.expires_in]).toEqual([200, "Bearer", 900]);
    expect(await bearer(body.access_token)).toEqual({
      ...{ subject: "ada", groups: ["staff"] },
      expiresAtMs: Date.parse("2026-01-01T00:15:00Z"),
    });
    await users.clock.advance(15 * 60_000);
    await expect(bearer(body.access_token)).rejects.toMatchObject(refusedFor("forbidden"));
  });

  it("is signed so that others can check it by the published keys", async () => {
    const { access_token = "" } = (await login()).body;
    const { keys } = (await users.call("users.jwks")).json() as { keys: object[] };
    const [head, claims, signature] = access_token.split(".");
    const key = createPublicKey({ key: keys[0] as never, format: "jwk" });
    const said = Buffer.from(`${head}.${claims}`);
    expect(verify("sha256", said, { key, dsaEncoding: "ieee-p1363" }, Buffer.from(signature ?? "", "base64url"))).toBe(true);
    expect(JSON.parse(Buffer.from(claims ?? "", "base64url").toString())).toMatchObject({
      iss: "bulkhead-users",
      aud: "bulkhead",
      sub: "ada",
    });
  });

  it("is nobody's when a bit of it is another, or when it says that it is signed by nothing", async () => {
    const { access_token = "" } = (await login()).body;
    const [head = "", claims = "", signature = ""] = access_token.split(".");
    const forged = (what: object): string => Buffer.from(JSON.stringify(what)).toString("base64url");
    const parsed = JSON.parse(Buffer.from(claims, "base64url").toString());
    const tried = [
      "",
      "..",
      `${head}.${claims}`,
      `${head}.${claims}.`,
      `${head}.${forged({ ...parsed, sub: "root" })}.${signature}`,
      `${forged({ alg: "none", typ: "at+jwt", kid: "" })}.${claims}.`,
      `${head}.${claims}.${signature.slice(0, -2)}`,
      `${head}.${claims}.${"A".repeat(86)}`,
      "é.ü.ß",
    ];
    for (const one of tried) await expect(bearer(one), one).rejects.toMatchObject(refusedFor("forbidden"));
  });

  it("ends with a change of its owner, and new ones begin at once", async () => {
    for (const [service, input] of [
      ["users.set-groups", { groups: ["guests"] }],
      ["users.set-password", { password: PASSWORD }],
    ] as const) {
      const before = (await login()).body;
      await users.call(service, { name: "ada", ...input });
      await expect(bearer(before.access_token), service).rejects.toMatchObject(refusedFor("forbidden"));
      expect((await token({ grant_type: "refresh_token", refresh_token: before.refresh_token ?? "" })).status).toBe(400);
      expect(await bearer((await login()).body.access_token)).toMatchObject({ subject: "ada" });
    }
    const last = (await login()).body;
    await users.call("users.remove", { name: "ada" });
    await expect(bearer(last.access_token)).rejects.toMatchObject(refusedFor("forbidden"));
  });

  it("needs the key that the operator may grant or not", async () => {
    users.deny("keys.sign", "tokens");
    await expect(login()).rejects.toMatchObject({ code: "plugin-failed" });
  });
});

describe("a refresh token", () => {
  const renew = (text: string | undefined) => token({ grant_type: "refresh_token", refresh_token: text ?? "" });

  it("brings the next tokens once; who shows a used one has stolen it, or was stolen from, and all of that login end", async () => {
    const first = (await login()).body;
    const second = await renew(first.refresh_token);
    expect(second.status).toBe(200);
    expect(second.body.refresh_token).not.toBe(first.refresh_token);
    expect(await renew(first.refresh_token)).toEqual({ status: 400, body: { error: "invalid_grant" } });
    expect((await renew(second.body.refresh_token)).status).toBe(400);
    expect((await login()).status).toBe(200);
  });

  it("is revoked, which says the same of one that is none", async () => {
    const { refresh_token = "" } = (await login()).body;
    expect((await post("users.revoke", { token: refresh_token })).status).toBe(200);
    expect((await renew(refresh_token)).status).toBe(400);
    expect((await post("users.revoke", { token: "none" })).status).toBe(200);
  });

  it("lasts as long as the configuration says", async () => {
    const { refresh_token } = (await login()).body;
    await users.clock.advance(30 * 86_400_000);
    expect((await renew(refresh_token)).status).toBe(400);
  });
});

describe("a program", () => {
  it("comes in with its secret, by a name that no user has", async () => {
    await users.call("users.create", { name: "ci", password: PASSWORD });
    const { secret } = (await users.call("users.create-client", { id: "ci", groups: ["builders"] })).json() as { secret: string };
    const { status, body } = await token({ grant_type: "client_credentials", client_id: "ci", client_secret: secret });
    expect([status, body.refresh_token]).toEqual([200, null]);
    expect(await authenticate({ scheme: "bearer", token: body.access_token })).toMatchObject({
      subject: "client:ci",
      groups: ["builders"],
    });
    expect((await token({ grant_type: "client_credentials", client_id: "ci", client_secret: PASSWORD })).status).toBe(400);
    expect((await token({ grant_type: "password", username: "ci", password: secret })).status).toBe(400);
    await users.call("users.remove-client", { id: "ci" });
    expect((await token({ grant_type: "client_credentials", client_id: "ci", client_secret: secret })).status).toBe(400);
  });
});

describe("the token endpoint", () => {
  it.each([
    "",
    "grant_type=magic",
    "grant_type=%",
    "grant_type=%zz",
    "ä=ö",
    "grant_type=password",
    "grant_type=refresh_token&grant_type=password",
  ])("answers %j with what is wrong", async (form) => {
    const answer = (await users.call("users.token", `{}\n${form}`)).text();
    expect(JSON.parse(answer.split("\n")[0] ?? "").status).toBe(400);
  });

  it("reads no more than a form may have", async () => {
    const answer = (await users.call("users.token", `{}\ngrant_type=password&x=${"x".repeat(10_000)}`)).text();
    expect(answer).toContain("invalid_request");
  });

  it("says when somebody has tried too often", async () => {
    for (let i = 0; i < 5; i += 1) expect((await login("wrong")).status).toBe(400);
    expect(await login()).toEqual({ status: 429, body: { error: "temporarily_unavailable" } });
  });
});
