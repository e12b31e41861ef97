// An OCI registry that means no good: it gives other bytes, too many of them, sends us elsewhere, and asks for what it may not have. Each is refused with its
// reason, before much was read.

import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { publishToOci } from "../../host/cli/publish-oci.ts";
import { MEDIA } from "../../host/install/oci-manifest.ts";
import { parseOciReference } from "../../host/install/oci-reference.ts";
import { referrersOf } from "../../host/install/oci-referrers.ts";
import { repositoryOf } from "../../host/install/oci-registry.ts";
import { type PackedFolder, packPlugin } from "../../host/install/pack.ts";
import { fetchPackage } from "../../host/install/package-sources.ts";
import { packageReader } from "../../host/lifecycle/package-reader.ts";
import { type FakeOci, MANIFEST_TYPE, sha256, startFakeOci } from "../support/fake-oci.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

const MIB = 1_024 * 1_024;
const REPOSITORY = "acme/thing";
const reader = packageReader();

interface Refusal {
  readonly code: string;
  readonly message: string;
}

const refused = (promise: Promise<unknown>): Promise<Refusal> =>
  promise.then(
    () => ({ code: "none", message: "it came" }),
    ({ code, message }) => ({ code, message }),
  );
const because = (code: string, text: string): object => ({ code, message: expect.stringContaining(text) });

let fake: FakeOci;
let folder: TemporaryFolder;
let made: PackedFolder;
/** The manifest that publishing it makes. */
let original: { readonly config: object; readonly layers: readonly [{ readonly digest: string; readonly size: number }] };

beforeAll(async () => {
  folder = temporaryFolder();
  made = await packPlugin(await writePlugin(folder.path, "thing", "(module)"));
});
afterAll(() => folder.remove());
beforeEach(async () => {
  fake = await startFakeOci();
  vi.stubEnv("npm_config_userconfig", join(folder.path, ".npmrc"));
  writeFileSync(join(folder.path, ".npmrc"), "");
  await publishToOci(made, { to: `oci://${fake.host}/${REPOSITORY}` });
  fake.seen.length = 0;
  original = JSON.parse(fake.manifests.get(`${REPOSITORY}:1.0.0`)?.bytes.toString() ?? "");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await fake[Symbol.asyncDispose]();
});

const place = (behind = ":1.0.0"): string => `oci://${fake.host}/${REPOSITORY}${behind}`;
const from = (behind?: string, more: object = {}): Promise<Refusal> => refused(fetchPackage(place(behind), { reader, ...more }));
/** Answers what is asked for below a path in another way. */
const lieAt = (path: string, answer: (response: ServerResponse, request: IncomingMessage) => void): void => {
  fake.lie = (request, response) => {
    if (request.url?.includes(path) !== true) return false;
    answer(response, request);
    return true;
  };
};

describe("other bytes", () => {
  it("than a digest says are refused, of a manifest and of a package", async () => {
    const { digest } = original.layers[0];
    const package_ = fake.blobs.get(digest) ?? Buffer.alloc(0);
    fake.blobs.set(digest, Buffer.concat([package_.subarray(0, -1), Buffer.from([0x55])]));
    expect(await from()).toMatchObject(because("invalid-manifest", "is not what was announced"));
    fake.blobs.set(digest, package_.subarray(0, -1));
    expect(await from()).toMatchObject(because("invalid-manifest", "is not what was announced"));
    const wanted = sha256("another");
    fake.put(REPOSITORY, "1.0.0", original);
    fake.manifests.set(`${REPOSITORY}:${wanted}`, fake.manifests.get(`${REPOSITORY}:1.0.0`) ?? { type: "", bytes: Buffer.alloc(0) });
    expect(await from(`@${wanted}`)).toMatchObject(because("invalid-manifest", "is not what was announced"));
    lieAt("/manifests/", (response) =>
      response.writeHead(200, { "content-type": MANIFEST_TYPE, "docker-content-digest": wanted }).end("{}"),
    );
    expect(await from()).toMatchObject(because("invalid-manifest", `other bytes than ${wanted}`));
  });

  it("than the registry shows as plugin.json are refused", async () => {
    const other = Buffer.from(JSON.stringify({ name: "thing", version: "1.0.0", api: "0.1", wasm: "thing.wasm", description: "harmless" }));
    fake.blobs.set(sha256(other), other);
    fake.put(REPOSITORY, "1.0.0", { ...original, config: { mediaType: MEDIA.pluginConfig, digest: sha256(other), size: other.length } });
    expect(await from()).toMatchObject(because("invalid-manifest", "another plugin.json than the one that the registry shows"));
  });

  it("of an old version are refused under the tag of a new one", async () => {
    fake.put(REPOSITORY, "1.0.1", original);
    expect(await from(":1.0.1")).toMatchObject(because("invalid-manifest", "under the tag 1.0.1 lies version 1.0.0"));
    expect(await from("@^1.0.0")).toMatchObject(because("invalid-manifest", "under the tag 1.0.1 lies version 1.0.0"));
  });
});

describe("too much", () => {
  /** Sends without end; answers how much, once nobody reads any more. */
  const endless = (path: string, headers: Record<string, string> = {}): Promise<number> => {
    const { promise, resolve } = Promise.withResolvers<number>();
    let sent = 0;
    lieAt(path, (response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1_024, " "))) sent += 64 * 1_024;
      };
      response
        .writeHead(200, headers)
        .on("drain", more)
        .on("close", () => resolve(sent));
      more();
    });
    return promise;
  };

  it("of a package ends at the size that its manifest says", async () => {
    const sent = endless(original.layers[0].digest);
    expect(await from()).toMatchObject(
      because("invalid-manifest", `sends more than the ${made.tarball.length} bytes that its manifest says`),
    );
    expect(await sent).toBeLessThan(8 * MIB);
  });

  it("of a manifest, of tags or of a token ends at the limit", async () => {
    const type = { "content-type": MANIFEST_TYPE };
    for (const [path, behind, headers] of [
      ["/manifests/", ":1.0.0", type],
      ["/tags/list", "", {}],
    ] as const) {
      const sent = endless(path, headers);
      expect(await from(behind)).toMatchObject({ code: "quota-exceeded" });
      expect(await sent).toBeLessThan(16 * MIB);
    }
    const token = endless("/token");
    const { lie } = fake;
    fake.lie = (request, response) => {
      if (request.url?.startsWith("/v2/") !== true) return lie(request, response);
      response.writeHead(401, { "www-authenticate": `Bearer realm="http://${fake.host}/token"` }).end();
      return true;
    };
    expect(await from()).toMatchObject(because("http-failed", "gives a token of more than 64 KiB"));
    expect(await token).toBeLessThan(8 * MIB);
  });

  it("is a package that its manifest says to be larger than packages may be", async () => {
    fake.put(REPOSITORY, "1.0.0", { ...original, layers: [{ ...original.layers[0], size: 33 * MIB }] });
    expect(await from()).toMatchObject(because("quota-exceeded", "32 MiB"));
    fake.put(REPOSITORY, "1.0.0", { ...original, config: { ...original.config, size: 2 * MIB } });
    expect(await from()).toMatchObject(because("quota-exceeded", "1024 KiB"));
    expect(fake.seen.filter(({ path }) => path.includes("/blobs/"))).toEqual([]);
  });

  it("is a bomb, packed as a package or as JSON", async () => {
    const bomb = gzipSync(Buffer.alloc(200 * MIB));
    fake.blobs.set(sha256(bomb), bomb);
    fake.put(REPOSITORY, "1.0.0", { ...original, layers: [{ ...original.layers[0], digest: sha256(bomb), size: bomb.length }] });
    expect(await from()).toMatchObject(because("quota-exceeded", "64 MiB when unpacked"));
    const keep = (text: string): unknown => fake.manifests.set(`${REPOSITORY}:1.0.0`, { type: MANIFEST_TYPE, bytes: Buffer.from(text) });
    keep(`{"schemaVersion":2,"layers":${"[".repeat(5_000)}${"]".repeat(5_000)}}`);
    expect(await from()).toMatchObject(because("invalid-manifest", "nests deeper than 16"));
    keep(`{"schemaVersion":2,"layers":[${"{},".repeat(15_000)}{}]}`);
    expect(await from()).toMatchObject(because("invalid-manifest", "more than 10000 values"));
    keep(`{"schemaVersion":2,"layers":[${"{},".repeat(100)}{}]}`);
    expect(await from()).toMatchObject(because("invalid-manifest", "has no usable manifest"));
    keep('{"__proto__":{}}');
    expect(await from()).toMatchObject(because("invalid-manifest", "no JSON"));
    lieAt("/blobs/", (response) => response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("x")));
    fake.put(REPOSITORY, "1.0.0", original);
    expect(await from()).toMatchObject(because("http-failed", "packs what was asked for as it is"));
  });

  it("are tags, in one answer or in pages without end", async () => {
    const list = (tags: readonly string[]): string => JSON.stringify({ name: REPOSITORY, tags });
    lieAt("/tags/list", (response) => response.end(list(Array.from({ length: 20_000 }, (_, i) => `1.0.${i}`))));
    expect(await from("")).toMatchObject(because("quota-exceeded", "more than 10000 tags, which is the limit; name a version"));
    let pages = 0;
    lieAt("/tags/list", (response) => {
      pages += 1;
      response.writeHead(200, { link: `</v2/${REPOSITORY}/tags/list?last=${pages}>; rel="next"` }).end(list([`0.0.${pages}`]));
    });
    expect(await from("")).toMatchObject({ code: "quota-exceeded" });
    expect(pages).toBe(20);
    lieAt("/tags/list", (response) => response.writeHead(200, { link: '<https://elsewhere.example/>; rel="next"' }).end(list(["1.0.0"])));
    expect(await from("")).toMatchObject(because("http-failed", "sends us to https://elsewhere.example/"));
    for (const text of ["<html>", "[]", '{"tags":{}}']) {
      lieAt("/tags/list", (response) => response.end(text));
      expect(await from(""), text).toMatchObject(because("http-failed", "says nothing usable"));
    }
    // What is no tag is none.
    lieAt("/tags/list", (response) => response.end(JSON.stringify({ tags: ["../../etc", "9.9.9?x", 7, null, {}, "x".repeat(200)] })));
    expect(await from("")).toMatchObject(because("invalid-message", "is not there"));
  });

  it("are referrers", async () => {
    const digest = sha256(fake.manifests.get(`${REPOSITORY}:1.0.0`)?.bytes ?? "");
    const one = { mediaType: MANIFEST_TYPE, digest, size: 1, artifactType: MEDIA.bundle };
    const repository = await repositoryOf(parseOciReference(place("")), { label: "it" });
    const asked = (): Promise<Refusal> => refused(referrersOf(repository, digest, MEDIA.bundle));
    const answer = (text: string, type: string = MEDIA.index): void =>
      lieAt("/referrers/", (response) => response.writeHead(200, { "content-type": type }).end(text));
    answer(JSON.stringify({ schemaVersion: 2, manifests: Array.from({ length: 300 }, () => one) }));
    expect(await asked()).toMatchObject({ code: "invalid-manifest" });
    answer(" ".repeat(300 * 1_024));
    expect(await asked()).toMatchObject({ code: "quota-exceeded" });
    answer("{}", "text/html");
    expect(await asked()).toMatchObject(because("invalid-manifest", 'came as "text/html"'));
    answer(JSON.stringify({ schemaVersion: 2, manifests: [{ ...one, digest: "sha256:../../up" }] }));
    expect(await asked()).toMatchObject(because("invalid-manifest", "only digests by sha256 are read"));
  });
});

describe("another thing", () => {
  it("than a plugin is refused by what it is", async () => {
    const put = (more: object, type?: string): string => fake.put(REPOSITORY, "1.0.0", { ...original, ...more }, type);
    put({ artifactType: "application/x.other" });
    expect(await from()).toMatchObject(because("invalid-manifest", 'is "application/x.other", and no plugin'));
    put({ config: { ...original.config, mediaType: "application/vnd.oci.image.config.v1+json" } });
    expect(await from()).toMatchObject({ code: "invalid-manifest" });
    put({ layers: [] });
    expect(await from()).toMatchObject(because("invalid-manifest", "other layers than the one"));
    put({ layers: [...original.layers, ...original.layers] });
    expect(await from()).toMatchObject(because("invalid-manifest", "other layers than the one"));
    put({ layers: [{ ...original.layers[0], digest: `sha512:${"a".repeat(128)}` }] });
    expect(await from()).toMatchObject(because("invalid-manifest", "only digests by sha256 are read"));
    put({}, "application/vnd.oci.image.index.v1+json");
    expect(await from()).toMatchObject(because("invalid-manifest", "is an index of several images"));
    put({}, "text/html");
    expect(await from()).toMatchObject(because("invalid-manifest", 'is "text/html", and no artifact'));
    put({ mediaType: "application/vnd.docker.distribution.manifest.v2+json" });
    expect(await from()).toMatchObject(because("invalid-manifest", "disagrees with itself"));
  });

  it("than an answer is told with the status, and asked for again as often as is fair", async () => {
    for (const status of [500, 503, 429]) {
      fake.seen.length = 0;
      lieAt("/manifests/", (response) => response.writeHead(status).end());
      expect(await from()).toMatchObject(because("http-failed", `HTTP ${status}`));
      expect(fake.seen).toHaveLength(3);
    }
    lieAt("/blobs/", (response) => response.writeHead(206).end());
    expect(await from()).toMatchObject(because("http-failed", "HTTP 206"));
    lieAt("/manifests/", (response) => response.writeHead(403).end());
    expect(await from()).toMatchObject(because("http-failed", "check the credentials for //127.0.0.1"));
    lieAt("/manifests/", (response) => response.socket?.destroy());
    expect(await from()).toMatchObject(because("http-failed", "could not be asked"));
  });
});

describe("elsewhere", () => {
  let other: Server;
  let origin: string;
  let heard: { readonly path: string; readonly authorization: string | undefined }[];
  let answer: (response: ServerResponse) => void;

  beforeEach(async () => {
    heard = [];
    answer = (response) => response.end('{"token":"a-token"}');
    other = createServer(({ url = "", headers }, response) => {
      heard.push({ path: url, authorization: headers.authorization });
      answer(response);
    });
    await new Promise<void>((listening) => other.listen(0, "127.0.0.1", listening));
    origin = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    other.closeAllConnections();
    await new Promise((closed) => other.close(closed));
  });

  const named = (): object => ({ elsewhere: { [fake.host]: [origin] } });
  const login = (...lines: readonly string[]): void => writeFileSync(join(folder.path, ".npmrc"), lines.join("\n"));
  /** Lets nobody in but who has the token. */
  const wantToken = (challenge: string, token = "a-token"): void => {
    fake.lie = (request, response) => {
      if (request.headers.authorization === `Bearer ${token}`) return false;
      response.writeHead(401, { "www-authenticate": challenge }).end();
      return true;
    };
  };

  it("nothing is fetched, unless the operator named the place; and nothing secret goes there", async () => {
    const { digest } = original.layers[0];
    const bytes = fake.blobs.get(digest);
    answer = (response) => response.end(bytes);
    lieAt(`/blobs/${digest}`, (response) => response.writeHead(307, { location: `${origin}/cdn?x=1` }).end());
    login(`//${fake.host}/:_authToken=mine`, `//${new URL(origin).host}/:_authToken=theirs`);
    for (const more of [{}, { elsewhere: { "other.example": [origin] } }, { elsewhere: { [fake.host]: ["https://cdn.example"] } }])
      expect(await from(undefined, more)).toMatchObject(because("http-failed", `sends us to ${origin}/cdn`));
    expect(heard).toEqual([]);
    expect(await from(undefined, named())).toEqual({ code: "none", message: "it came" });
    expect(heard).toEqual([{ path: "/cdn?x=1", authorization: undefined }]);
    expect(new Set(fake.seen.map(({ authorization }) => authorization))).toEqual(new Set(["Bearer mine"]));
    answer = (response) => response.writeHead(302, { location: "http://127.0.0.1:1/further" }).end();
    expect(await from(undefined, named())).toMatchObject(because("http-failed", "sends us to"));
    lieAt(`/blobs/${digest}`, (response) => response.writeHead(307, { location: `${origin.replace("//", "//u:p@")}/cdn` }).end());
    expect(await from(undefined, named())).toMatchObject(because("http-failed", "sends us to"));
    lieAt(`/blobs/${digest}`, (response) => response.writeHead(307, { location: "file:///etc/passwd" }).end());
    expect(await from(undefined, named())).toMatchObject(because("http-failed", "sends us to file:///etc/passwd"));
    lieAt(`/blobs/${digest}`, (response) => response.writeHead(307, { location: `/v2/${REPOSITORY}/blobs/${digest}` }).end());
    expect(await from()).toMatchObject(because("http-failed", "redirects more than 3 times"));
  });

  it("a token is asked for at the registry itself, for what we want and not for what it would like", async () => {
    const greedy = `Bearer realm="http://${fake.host}/token",service="it",scope="repository:secret/other:pull,push"`;
    wantToken(greedy);
    const guard = fake.lie;
    fake.lie = (request, response) => {
      if (request.url?.startsWith("/token") !== true) return guard(request, response);
      response.end('{"access_token":"a-token"}');
      return true;
    };
    login(`//${fake.host}/:_auth=dXNlcjpwYXNzd29yZA==`);
    expect(await from()).toEqual({ code: "none", message: "it came" });
    const asked = fake.seen.find(({ path }) => path.startsWith("/token"));
    const query = new URL(asked?.path ?? "", "http://x").searchParams;
    expect(Object.fromEntries(query)).toEqual({ service: "it", scope: `repository:${REPOSITORY}:pull` });
    expect(asked?.authorization).toBe("Basic dXNlcjpwYXNzd29yZA==");
    fake.seen.length = 0;
    await publishToOci(made, { to: `oci://${fake.host}/${REPOSITORY}` });
    expect(fake.seen.filter(({ path }) => path.startsWith("/token")).map(({ path }) => path)).toEqual([
      `/token?service=it&scope=${encodeURIComponent(`repository:${REPOSITORY}:pull,push`)}`,
    ]);
  });

  it("a name and a password are shown to who asks for them, and in no other way", async () => {
    fake.lie = (request, response) => {
      if (request.headers.authorization === "Basic dXNlcjpwYXNzd29yZA==") return false;
      response.writeHead(401, { "www-authenticate": 'Basic realm="it"' }).end();
      return true;
    };
    expect(await from()).toMatchObject(because("http-failed", "write credentials for //"));
    login(`//${fake.host}/:username=user`, `//${fake.host}/:_password=${Buffer.from("password").toString("base64")}`);
    fake.seen.length = 0;
    expect(await from()).toEqual({ code: "none", message: "it came" });
    expect(fake.seen[0]?.authorization).toBeUndefined();
    login(`//${fake.host}/:_authToken=mine`);
    expect(await from()).toMatchObject(because("http-failed", "write credentials for //"));
  });

  it("nobody is asked for a token but whom the operator named for this registry, with credentials of its own only", async () => {
    wantToken(`Bearer realm="${origin}/token"`);
    login(`//${fake.host}/:_authToken=mine`, `//${new URL(origin).host}/:_auth=dGhlaXJz`);
    expect(await from()).toMatchObject(because("http-failed", `let install.elsewhere name the origin for "${fake.host}"`));
    expect(await from(undefined, { elsewhere: { "other.example": [origin] } })).toMatchObject(because("http-failed", "to log in"));
    expect(heard).toEqual([]);
    expect(await from(undefined, named())).toEqual({ code: "none", message: "it came" });
    expect(new Set(heard.map(({ authorization }) => authorization))).toEqual(new Set(["Basic dGhlaXJz"]));
    for (const realm of ["file:///etc/passwd", "not an address:", `${origin.replace("//", "//u:p@")}/token`]) {
      wantToken(`Bearer realm="${realm}"`);
      expect(await from(undefined, named()), realm).toMatchObject({ code: "http-failed" });
    }
  });

  it("what is no token is none", async () => {
    wantToken(`Bearer realm="${origin}/token"`);
    for (const text of [
      "",
      "<html>",
      "[]",
      "{}",
      '{"token":7}',
      '{"token":""}',
      '{"token":"a\\r\\nx-evil: 1"}',
      '{"token":"with space"}',
    ]) {
      answer = (response) => response.end(text);
      expect(await from(undefined, named()), text).toMatchObject(because("http-failed", "gives no usable token"));
    }
    answer = (response) => response.end('{"token":"another"}');
    expect(await from(undefined, named())).toMatchObject(because("http-failed", "check the credentials"));
    answer = (response) => response.writeHead(401).end();
    expect(await from(undefined, named())).toMatchObject(because("http-failed", "write credentials for //"));
    for (const challenge of ["Basic realm=x", "Bearer", `Bearer realm="${"x".repeat(5_000)}"`, "Negotiate"]) {
      wantToken(challenge);
      expect(await from(undefined, named()), challenge).toMatchObject(because("http-failed", "write credentials for //"));
    }
  });

  it("nothing is uploaded", async () => {
    fake.blobs.clear();
    fake.manifests.clear();
    const put = (): Promise<Refusal> => refused(publishToOci(made, { to: `oci://${fake.host}/${REPOSITORY}` }));
    fake.lie = (request, response) => {
      if (request.method !== "POST") return false;
      response.writeHead(202, { location: `${origin}/upload` }).end();
      return true;
    };
    expect(await put()).toMatchObject(because("http-failed", `sends us to ${origin}/upload`));
    fake.lie = (request, response) => {
      if (request.method !== "PUT") return false;
      response.writeHead(307, { location: `${origin}/upload` }).end();
      return true;
    };
    expect(await put()).toMatchObject(because("http-failed", "HTTP 307"));
    expect(heard).toEqual([]);
  });
});

it("has enough of what comes in pieces of a byte", async () => {
  const noise = randomBytes(40_000);
  lieAt("/manifests/", (response) => {
    let at = 0;
    const more = (): void => {
      if (response.destroyed || at === noise.length) return void response.end();
      response.write(noise.subarray(at, at + 1));
      at += 1;
      setImmediate(more);
    };
    more();
  });
  expect(await from()).toMatchObject(because("http-failed", "pieces"));
});
