// Tokens of others: what the operator says of an issuer holds, whatever the token says of itself.

import { createHmac, generateKeyPairSync, type KeyObject } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type JWTPayload, SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { HostError } from "../../host/core/errors.ts";
import { Gate } from "../../host/gate/gate.ts";
import { KnownPrincipal } from "../../host/gate/known.ts";
import { authSchema } from "../../host/manifest/auth.ts";
import { parseConfiguration } from "../../host/manifest/configuration.ts";
import { accountsInMemory } from "../support/accounts.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const ISSUER = "https://id.test";
const AUDIENCE = "https://bulkhead.test";
const FROM = { address: "192.0.2.7", isPassedOn: false };

describe("a JSON Web Token", () => {
  let folder: TemporaryFolder;
  let server: Server;
  let clock: FakeClock;
  let keys: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
  let served: () => unknown;
  let asked: number;
  let troubles: string[];

  beforeEach(async () => {
    folder = temporaryFolder();
    clock = fakeClock();
    keys = generateKeyPairSync("ed25519");
    asked = 0;
    troubles = [];
    served = () => ({ keys: [jwkOf(keys.publicKey, "one")] });
    server = createServer((_request, response) => {
      asked += 1;
      response.end(JSON.stringify(served()));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    folder.remove();
  });

  const jwkOf = (key: KeyObject, kid: string): object => ({ ...key.export({ format: "jwk" }), kid });
  const gateWith = (jwt: object = {}, auth: object = {}): Gate =>
    new Gate({
      ...accountsInMemory(clock),
      ...{ clock, operator: "user:ada", isReadOnly: () => false, onDenial: () => {} },
      tell: (message) => troubles.push(message),
      auth: authSchema.parse({
        ...{ mode: "required", groups: { ops: ["operator"], see: ["viewer"] } },
        jwt: [{ issuer: ISSUER, audience: AUDIENCE, keys: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`, ...jwt }],
        ...auth,
      }),
    });
  const made = (
    claims: JWTPayload = {},
    { kid = "one", typ = "at+jwt", key = keys.privateKey }: { kid?: string; typ?: string; key?: KeyObject } = {},
  ): Promise<string> => {
    const now = Math.floor(clock.now() / 1_000);
    return new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: "ada", groups: ["ops"], iat: now, exp: now + 3_600, ...claims })
      .setProtectedHeader({ alg: "EdDSA", kid, typ })
      .sign(key);
  };
  const enter = async (gate: Gate, token: string): Promise<KnownPrincipal> =>
    KnownPrincipal.of(await gate.authenticate({ kind: "bearer", token, from: FROM }));
  const refusal = (gate: Gate, token: string): Promise<string> =>
    enter(gate, token).then(
      ({ name }) => name,
      ({ reason, code }: HostError) => reason ?? code,
    );

  it("lets in whom the issuer names, with the roles that the operator gives to his groups", async () => {
    const gate = gateWith();
    const ada = await enter(gate, await made());
    expect(ada.name).toMatch(/^jwt:[0-9a-f]{8}\/ada$/);
    expect([ada.allows("services.call", "a.b"), ada.allows("host.operate", "admin.grant")]).toEqual([true, false]);
    const nobody = await enter(gate, await made({ groups: ["admin", "strangers", "__proto__", 7] as string[] }));
    expect(nobody.allows("services.call", "a.b")).toBe(false);
    expect((await enter(gate, await made({ groups: "ops" }))).allows("services.call", "a.b")).toBe(false);
  });

  it("is nobody's when it was made for others, by others, or for something else", async () => {
    const gate = gateWith({}, { limits: { failuresPerMinute: 100 } });
    const others = generateKeyPairSync("ed25519");
    const now = Math.floor(clock.now() / 1_000);
    const wrong = [
      await made({ aud: "https://other.test" }),
      await made({ iss: "https://evil.test" }),
      await made({ exp: now - 60 }),
      await made({ nbf: now + 60 }),
      await made({ exp: undefined as never }),
      await made({ sub: undefined as never }),
      await made({ sub: "" }),
      await made({ sub: "a\u0000b" }),
      await made({ sub: "x".repeat(300) }),
      await made({}, { typ: "JWT" }),
      await made({}, { key: others.privateKey }),
      await made({}, { kid: "two" }),
    ];
    for (const [i, token] of wrong.entries()) expect(await refusal(gate, token), `${i}`).toBe("unauthenticated");
  });

  it("chooses no algorithm of its own: none, or a secret made of the public key", async () => {
    const gate = gateWith({ algorithms: ["EdDSA", "RS256"] });
    const [, payload = ""] = (await made()).split(".");
    const head = (alg: string): string => Buffer.from(JSON.stringify({ alg, kid: "one", typ: "at+jwt" })).toString("base64url");
    const secret = keys.publicKey.export({ format: "pem", type: "spki" });
    const signed = `${head("HS256")}.${payload}`;
    const hmac = createHmac("sha256", secret).update(signed).digest("base64url");
    for (const token of [
      `${head("none")}.${payload}.`,
      `${head("none")}.${payload}.AA`,
      `${signed}.${hmac}`,
      `${head("EdDSA")}.${payload}.AAAA`,
    ])
      expect(await refusal(gate, token)).toBe("unauthenticated");
  });

  it("is checked once in a minute, and not longer than it holds", async () => {
    const gate = gateWith();
    const token = await made({ exp: Math.floor(clock.now() / 1_000) + 30 });
    const first = await enter(gate, token);
    expect(await enter(gate, token)).toBe(first);
    clock.pass(29_000);
    expect(await enter(gate, token)).toBe(first);
    clock.pass(7_000);
    expect(await refusal(gate, token)).toBe("unauthenticated");
  });

  it("may be signed with a key that is new, which is asked for now and then and not for each token", async () => {
    const gate = gateWith({}, { limits: { failuresPerMinute: 100 } });
    await enter(gate, await made());
    expect(asked).toBe(1);
    const next = generateKeyPairSync("ed25519");
    served = () => ({ keys: [jwkOf(next.publicKey, "two")] });
    const token = await made({}, { kid: "two", key: next.privateKey });
    for (let i = 0; i < 5; i += 1) expect(await refusal(gate, token)).toBe("unauthenticated");
    expect(asked).toBe(1);
    clock.pass(30_000);
    expect(await refusal(gate, token)).toMatch(/\/ada$/);
    expect(asked).toBe(2);
  });

  it("meets 503 and nobody's name while the keys cannot be had, and the old ones hold while the issuer is away", async () => {
    const gate = gateWith();
    served = () => "x".repeat(300_000);
    expect(await refusal(gate, await made())).toBe("plugin-not-running");
    expect(troubles).toEqual([expect.stringContaining("auth.jwt")]);
    clock.pass(30_000);
    served = () => ({ keys: [jwkOf(keys.publicKey, "one")] });
    expect(await refusal(gate, await made())).toMatch(/\/ada$/);
    clock.pass(600_000);
    served = () => ({ no: "keys" });
    expect(await refusal(gate, await made())).toMatch(/\/ada$/);
    expect(troubles).toHaveLength(2);
  });

  it("may be checked with keys of a file, beside the configuration", async () => {
    writeFileSync(join(folder.path, "keys.json"), JSON.stringify({ keys: [jwkOf(keys.publicKey, "one")] }));
    const text = JSON.stringify({ auth: { mode: "required", jwt: [{ issuer: ISSUER, audience: AUDIENCE, keys: "keys.json" }] } });
    const { auth } = parseConfiguration(text, join(folder.path, "bulkhead.json"));
    expect(await refusal(gateWith({}, { jwt: auth.jwt }), await made())).toMatch(/\/ada$/);
  });

  it("costs an address that shows wrong ones no more checks than it may have", async () => {
    const gate = gateWith({}, { limits: { failuresPerMinute: 2 } });
    const token = await made({ aud: "https://other.test" });
    expect([await refusal(gate, token), await refusal(gate, token), await refusal(gate, token)]).toEqual([
      ...["unauthenticated", "unauthenticated", "rate-limited"],
    ]);
  });

  it("says in the configuration what is wrong with an issuer", () => {
    const parse =
      (auth: object): (() => unknown) =>
      () =>
        parseConfiguration(JSON.stringify({ auth }), "bulkhead.json");
    const issuer = { issuer: ISSUER, audience: AUDIENCE, keys: "keys.json" };
    for (const wrong of [
      { jwt: [{ ...issuer, keys: "http://id.test/jwks" }] },
      { jwt: [{ ...issuer, algorithms: ["none"] }] },
      { jwt: [{ ...issuer, algorithms: ["HS256"] }] },
      { jwt: [issuer, issuer] },
      { groups: { ops: ["no-such-role"] } },
      { roles: { admin: [] } },
    ])
      expect(parse(wrong), JSON.stringify(wrong)).toThrow(expect.objectContaining({ code: "invalid-message" }));
    expect(parse({ jwt: [issuer], roles: { lamps: [] }, groups: { ops: ["lamps", "viewer"] } })).not.toThrow();
  });
});
