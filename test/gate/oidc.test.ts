// Logging in at an issuer: with a real one, and with what it, a browser or a stranger may bring instead.

import { createHash, createHmac, generateKeyPairSync } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type JWTPayload, SignJWT } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { HostError } from "../../host/core/errors.ts";
import { type IssuerClientPorts, openIssuerClient } from "../../host/gate/issuer-client.ts";
import { MAX_OF_NETWORK, MAX_PENDING, PENDING_MS } from "../../host/gate/issuer-logins.ts";
import { LoginDesk } from "../../host/gate/logins.ts";
import { authSchema, type OidcIssuer } from "../../host/manifest/auth.ts";
import type { CalledFrom, IssuerLogins } from "../../host/seams.ts";
import { accountsInMemory, type TestAccounts } from "../support/accounts.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { CLIENT_ID, CLIENT_SECRET, logInAt, startIssuer, type TestIssuer } from "../support/issuer.ts";

const BACK = "http://127.0.0.1:7420/v1/login/oidc/callback";
const FROM: CalledFrom = { address: "192.0.2.7", isPassedOn: false };
const secrets = {
  find: (name: string) => (name === "oidc" ? { value: CLIENT_SECRET, mayGoTo: (to: string) => to === "auth.oidc" } : undefined),
};

let issuer: TestIssuer;
let clock: FakeClock;
let accounts: TestAccounts;
let denied: string[];
let troubles: string[];
let logins: IssuerLogins;

beforeAll(async () => {
  issuer = await startIssuer([BACK]);
});
afterAll(() => issuer[Symbol.asyncDispose]());
beforeEach(async () => {
  clock = fakeClock();
  accounts = accountsInMemory(clock);
  [denied, troubles] = [[], []];
  logins = await open();
});
afterEach(() => {
  issuer.intercept = undefined;
});

const options = (more: object = {}): OidcIssuer =>
  authSchema.parse({ oidc: { issuer: issuer.url, clientId: CLIENT_ID, clientSecret: "oidc", ...more } }).oidc as OidcIssuer;

async function open(more: object = {}, ports: Partial<IssuerClientPorts> = {}): Promise<IssuerLogins> {
  const tell = (message: string, cause: unknown) => troubles.push(`${message}: ${cause}`);
  const client = await openIssuerClient(options(more), { clock, secrets, tell, ...ports });
  const { users, sessions, passwords, audited } = accounts;
  const desk = new LoginDesk({
    ...{ clock, users, sessions, passwords, issuer: client, auth: authSchema.parse({ groups: { operations: ["operator"], empty: [] } }) },
    audit: { append: (actor, action, subject, detail) => audited.push(`${actor} ${action} ${subject} ${JSON.stringify(detail)}`) },
    onDenial: ({ plugin, permission, resource }) => denied.push(`${plugin} ${permission} ${resource}`),
  });
  return desk.at("http").issuer as IssuerLogins;
}

const begin = (from = FROM): ReturnType<IssuerLogins["begin"]> => logins.begin({ redirectUri: BACK, from });
const finish = (query: string, binding: string | undefined): Promise<string> =>
  logins.finish({ query, binding, from: FROM }).then(
    ({ principal }) => principal,
    ({ reason, code, message }: HostError) => `${reason ?? code}: ${message}`,
  );
/** Comes back from the issuer, and with what one makes of it. */
async function back(login = "ada", change: (query: URLSearchParams) => void = () => {}): Promise<string> {
  const { location, binding } = await begin();
  const { searchParams } = await logInAt(location, login);
  change(searchParams);
  return finish(searchParams.toString(), binding);
}
const json = (value: unknown) => (_request: IncomingMessage, response: ServerResponse) => {
  response.setHeader("content-type", "application/json").end(JSON.stringify(value));
  return true;
};
/** Of one path of the issuer's. */
const instead = (path: string, answer: NonNullable<TestIssuer["intercept"]>): void => {
  issuer.intercept = (request, response) => request.url?.startsWith(path) === true && answer(request, response);
};

describe("logging in at an issuer", () => {
  it("asks for a code with PKCE, state and nonce, and opens a session with the groups that the operator knows", async () => {
    const { location, binding } = await begin();
    const asked = Object.fromEntries(new URL(location).searchParams);
    expect(asked).toMatchObject({
      ...{ client_id: CLIENT_ID, response_type: "code", redirect_uri: BACK, scope: "openid profile", code_challenge_method: "S256" },
      ...{ state: expect.stringMatching(/^[\w-]{43}$/), nonce: expect.stringMatching(/^[\w-]{43}$/) },
    });
    expect(asked.code_challenge).toMatch(/^[\w-]{43}$/);
    const { search } = await logInAt(location, "ada");
    const opened = await logins.finish({ query: search.slice(1), binding, from: FROM });
    const hash = createHash("sha256").update(issuer.url).digest("hex").slice(0, 8);
    expect(opened.principal).toBe(`oidc:${hash}/ada`);
    expect(accounts.sessions.check(opened.secret)).toMatchObject({ principal: opened.principal, groups: ["operations"] });
    expect(accounts.audited).toEqual([`${opened.principal} login ${opened.principal} {"via":"http","address":"192.0.2.7"}`]);
    expect(denied).toEqual([]);
  });

  it("has the groups of userinfo where the ID token has none", async () => {
    await using other = await startIssuer([BACK], { conformIdTokenClaims: true });
    logins = await open({ issuer: other.url });
    expect(await back()).toMatch(/^oidc:[0-9a-f]{8}\/ada$/);
    expect(other.asked).toContain("/me");
  });

  it("takes the ID token of the issuer, as the tests of others make it", async () => {
    expect(await withClaims({})).toMatch(/^oidc:[0-9a-f]{8}\/ada$/);
  });

  it.each([
    ["none that the operator has named", ["strangers", "__proto__", "constructor"]],
    ["one without a role", ["empty"]],
    ["none", undefined],
    ["a text", "operations"],
    ["what are no texts", [{ operations: 1 }, 7]],
  ])("gives no session to one whose groups are %s", async (_what, groups) => {
    issuer.groups.set("bob", groups);
    expect(await back("bob")).toContain("permission-denied: none of your groups has a role here");
    expect(accounts.sessions.counts().size).toBe(0);
    expect(denied).toEqual(["oidc:(none) login 192.0.2.7"]);
  });
});

/** What becomes of a login to which the issuer answers an ID token with these claims, signed by its key. */
async function withClaims(claims: object): Promise<string> {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const { location, binding } = await begin();
  const { searchParams } = new URL(location);
  const now = Math.floor(Date.now() / 1_000);
  const right = { iss: issuer.url, aud: CLIENT_ID, sub: "ada", iat: now, exp: now + 60, nonce: searchParams.get("nonce") };
  const token = await new SignJWT({ ...right, groups: ["operations"], ...claims } as JWTPayload)
    .setProtectedHeader({ alg: "RS256", kid: "k" })
    .sign(privateKey);
  const keys = [{ ...publicKey.export({ format: "jwk" }), kid: "k", alg: "RS256", use: "sig" }];
  issuer.intercept = (request, response) => {
    if (request.url === "/token") return json({ access_token: "a", token_type: "bearer", id_token: token })(request, response);
    return request.url === "/jwks" && json({ keys })(request, response);
  };
  const query = new URLSearchParams({ code: "any", state: searchParams.get("state") ?? "", iss: issuer.url });
  return finish(query.toString(), binding);
}

describe("a login at an issuer is refused", () => {
  const unauthenticated = expect.stringMatching(/^unauthenticated: /);
  afterEach(() => {
    expect(accounts.sessions.counts().size).toBe(0);
    expect(accounts.audited).toEqual([]);
  });

  it("that comes back with another state, two, or none", async () => {
    expect(await back("ada", (query) => query.set("state", "A".repeat(43)))).toEqual(unauthenticated);
    expect(await back("ada", (query) => query.append("state", query.get("state") ?? ""))).toEqual(unauthenticated);
    expect(await back("ada", (query) => query.delete("state"))).toEqual(unauthenticated);
    expect(await finish("", undefined)).toEqual(unauthenticated);
    expect(denied).toHaveLength(4);
  });

  it("that comes back to another browser, which also ends it", async () => {
    const { location, binding } = await begin();
    const { search } = await logInAt(location, "ada");
    for (const other of ["A".repeat(43), (await begin()).binding, undefined, binding])
      expect(await finish(search.slice(1), other)).toEqual(unauthenticated);
  });

  it("that comes back a second time, though the first was refused, and whose code was used before", async () => {
    const { location, binding } = await begin();
    const { searchParams } = await logInAt(location, "ada");
    const iss = searchParams.get("iss") ?? "";
    searchParams.set("iss", "https://evil.example");
    expect(await finish(searchParams.toString(), binding)).toEqual(unauthenticated);
    searchParams.set("iss", iss);
    expect(await finish(searchParams.toString(), binding)).toContain("has come back before");
    // The code of one login in the answer to another: the issuer knows for which challenge it was.
    const first = await begin();
    const code = (await logInAt(first.location, "ada")).searchParams.get("code") ?? "";
    expect(await back("ada", (query) => query.set("code", code))).toContain(
      "unauthenticated: the login at the issuer is refused: invalid_grant",
    );
  });

  it("that took longer than ten minutes", async () => {
    const { location, binding } = await begin();
    const { search } = await logInAt(location, "ada");
    clock.pass(PENDING_MS);
    expect(await finish(search.slice(1), binding)).toContain("took longer than ten minutes");
  });

  it("that the issuer has refused, in words that cannot do harm", async () => {
    const refused = await back("ada", (query) => {
      query.delete("code");
      query.set("error", "access_denied\u001b[2J\u202e");
    });
    expect(refused).toContain("is refused: access_denied\\u{1b}[2J\\u{202e}");
  });

  it("that another issuer answers, by its own word or by its keys", async () => {
    expect(await back("ada", (query) => query.set("iss", "https://evil.example"))).toEqual(unauthenticated);
    expect(await back("ada", (query) => query.delete("iss"))).toEqual(unauthenticated);
    await using evil = await startIssuer([BACK]);
    instead("/jwks", (_request, response) => {
      fetch(`${evil.url}/jwks`).then(async (answer) => response.setHeader("content-type", "application/json").end(await answer.text()));
      return true;
    });
    logins = await open();
    expect(await back()).toEqual(unauthenticated);
    issuer.intercept = undefined;
    instead("/.well-known", json({ issuer: "https://evil.example", authorization_endpoint: "https://evil.example/a" }));
    logins = await open();
    await expect(begin()).rejects.toMatchObject({ code: "plugin-not-running", retryAfterMs: 30_000 });
    expect(troubles.join()).toContain("issuer");
  });

  it.each([
    ["none", () => "e30"],
    ["HS256", (head: string, body: string) => createHmac("sha256", CLIENT_SECRET).update(`${head}.${body}`).digest("base64url")],
    ["ES256", () => "A".repeat(86)],
    ["RS256", () => "A".repeat(342)],
  ])("whose ID token is signed by %s, which is not what the operator has said, or not the issuer's key", async (alg, sign) => {
    instead("/token", (request, response) => {
      const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
      const now = Math.floor(Date.now() / 1_000);
      const [head, body] = [
        part({ alg, kid: "rsa" }),
        part({ iss: issuer.url, aud: CLIENT_ID, sub: "ada", groups: ["operations"], iat: now, exp: now + 60, nonce: asked.nonce }),
      ];
      return json({ access_token: "a", token_type: "bearer", id_token: `${head}.${body}.${sign(head, body)}` })(request, response);
    });
    const { location, binding } = await begin();
    const asked = { nonce: new URL(location).searchParams.get("nonce") };
    const query = new URLSearchParams({ code: "any", state: new URL(location).searchParams.get("state") ?? "", iss: issuer.url });
    expect(await finish(query.toString(), binding)).toEqual(unauthenticated);
  });

  it.each([
    ["of another audience", { aud: "others" }],
    ["of another issuer", { iss: "https://evil.example" }],
    ["with another nonce", { nonce: "A".repeat(43) }],
    ["without a nonce", { nonce: undefined }],
    ["that has expired", { exp: Math.floor(Date.now() / 1_000) - 3_600 }],
    ["without a subject", { sub: undefined }],
    ["with a subject that is no name", { sub: "a\u202eb" }],
    ["with an endless subject", { sub: "a".repeat(300) }],
  ])("whose ID token is one %s", async (_what, claims) => {
    expect(await withClaims(claims)).toEqual(unauthenticated);
  });
});

describe("an issuer in somebody else's hands", () => {
  const endless = (_request: unknown, response: ServerResponse) => {
    response.setHeader("content-type", "application/json");
    const more = (): boolean => response.write("[".repeat(65_536)) && !response.destroyed;
    const fill = (): void => {
      while (more());
    };
    response.on("drain", fill);
    fill();
    return true;
  };

  it.each(["/.well-known", "/token", "/jwks"])("that answers without end at %s is not read on", async (path) => {
    instead(path, endless);
    const { location, binding } = await begin().catch(() => ({ location: undefined, binding: undefined }));
    if (path === "/.well-known") {
      expect(location).toBeUndefined();
      await expect(begin()).rejects.toMatchObject({ code: "plugin-not-running", retryAfterMs: 30_000 });
    } else expect(await finish((await logInAt(location ?? "", "ada")).search.slice(1), binding)).toContain("plugin-not-running: ");
    expect(troubles.join()).toMatch(/cannot be reached, or answers what it must not/);
    expect(accounts.sessions.counts().size).toBe(0);
  });

  it("that does not answer is waited for for a while, and asked again later by one at a time", async () => {
    let asked = 0;
    instead("/.well-known", () => {
      asked += 1;
      return true;
    });
    const all = await Promise.allSettled(Array.from({ length: 50 }, () => begin()));
    expect(all.map((one) => one.status === "rejected" && (one.reason as HostError).code)).toEqual(Array(50).fill("plugin-not-running"));
    await expect(begin()).rejects.toMatchObject({ code: "plugin-not-running" });
    expect(asked).toBe(1);
    issuer.intercept = undefined;
    clock.pass(30_000);
    expect((await begin()).location).toContain(issuer.url);
  }, 30_000);

  it("that sends the host elsewhere is not followed", async () => {
    let elsewhere = 0;
    instead("/token", (_request, response) => {
      response.writeHead(307, { location: `${issuer.url}/elsewhere` }).end();
      return true;
    });
    const intercept = issuer.intercept;
    issuer.intercept = (request, response) => {
      if (request.url === "/elsewhere") elsewhere += 1;
      return intercept?.(request, response) === true;
    };
    expect(await back()).toMatch(/^unauthenticated: /);
    expect(elsewhere).toBe(0);
  });
});

describe("logins that begin and do not come back", () => {
  const from = (i: number): CalledFrom => ({ address: `10.0.${Math.floor(i / 250)}.${i % 250}`, isPassedOn: false });
  const many = async (count: number, at: (i: number) => CalledFrom): Promise<string[]> => {
    const found: string[] = [];
    for (let i = 0; i < count; i += 1)
      found.push(
        await begin(at(i)).then(
          () => "begun",
          ({ code }: HostError) => code,
        ),
      );
    return found;
  };

  it("are so many of one address, of IPv6 of one network, which keeps no other from it", async () => {
    const network = (i: number): CalledFrom => ({ address: `2001:db8::${i.toString(16)}`, isPassedOn: false });
    expect((await many(MAX_OF_NETWORK + 2, network)).slice(MAX_OF_NETWORK - 1)).toEqual(["begun", "rate-limited", "rate-limited"]);
    await expect(begin(network(1))).rejects.toMatchObject({ retryAfterMs: PENDING_MS });
    expect(await back()).toMatch(/^oidc:/);
    clock.pass(PENDING_MS);
    expect(await many(1, network)).toEqual(["begun"]);
  });

  it("are so many in all, and make room when their time is over or they come back", async () => {
    const { location, binding } = await begin();
    expect((await many(MAX_PENDING, from)).slice(-2)).toEqual(["begun", "rate-limited"]);
    const { search } = await logInAt(location, "ada");
    expect(await finish(search.slice(1), binding)).toMatch(/^oidc:/);
    expect(await many(2, from)).toEqual(["begun", "rate-limited"]);
    clock.pass(PENDING_MS);
    expect(await many(1, from)).toEqual(["begun"]);
  });

  it("are not more for beginning at the same time", async () => {
    const all = await Promise.allSettled(Array.from({ length: MAX_OF_NETWORK * 2 }, () => begin()));
    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(MAX_OF_NETWORK);
  });
});

describe("auth.oidc", () => {
  it("needs its secret, and one that is for it", async () => {
    for (const find of [() => undefined, () => ({ value: CLIENT_SECRET, mayGoTo: () => false })])
      await expect(open({}, { secrets: { find } })).rejects.toMatchObject({
        code: "invalid-message",
        message: expect.stringContaining("bulkhead secret set oidc --to auth.oidc"),
      });
  });

  it.each([
    [{ issuer: "http://id.example" }, "write https"],
    [{ issuer: "http://localhost.evil.example" }, "write https"],
    [{ issuer: "ftp://id.example" }, "issuer"],
    [{ scopes: ["profile"] }, "openid must be one of them"],
    [{ scopes: ["openid", "a b"] }, "has no space"],
    [{ algorithm: "HS256" }, "algorithm"],
    [{ secret: "in the clear" }, "secret"],
  ])("is refused with %j", (more, words) => {
    expect(() => options(more)).toThrow(words);
  });
});
