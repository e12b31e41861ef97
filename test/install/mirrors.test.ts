// Packages come by the ways that the operator names: mirrors of npm and OCI registries, proxies, authorities and tokens; and what was installed keeps its name.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { publishToOci } from "../../host/cli/publish-oci.ts";
import { toHostError } from "../../host/core/errors.ts";
import { parseConfiguration } from "../../host/index.ts";
import { packPlugin } from "../../host/install/pack.ts";
import { fetchPackage } from "../../host/install/package-sources.ts";
import { packageReader } from "../../host/lifecycle/package-reader.ts";
import { pluginSources } from "../../host/lifecycle/sources.ts";
import type { Configuration } from "../../host/manifest/configuration.ts";
import { type FakeOci, startFakeOci } from "../support/fake-oci.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";
import { startBehindProxy } from "../support/tls-proxy.ts";

const reader = packageReader();

let folder: TemporaryFolder;
let fake: FakeOci;

beforeEach(async () => {
  folder = temporaryFolder();
  for (const key of ["cafile", "proxy", "https_proxy", "noproxy", "registry"]) vi.stubEnv(`npm_config_${key}`, undefined);
  vi.stubEnv("npm_config_userconfig", join(folder.path, ".npmrc"));
  fake = await startFakeOci();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await fake[Symbol.asyncDispose]();
  folder.remove();
});

const written = (lines: string): void => writeFileSync(join(folder.path, ".npmrc"), lines);
/** Hands on to the registry in memory, which is this machine's. */
const handOn: RequestListener = (request, response) => {
  void fetch(`http://${fake.host}${request.url}`).then(async (answer) => {
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" });
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
};

describe("an OCI registry", () => {
  const publish = async (): Promise<string> => {
    const made = await packPlugin(await writePlugin(folder.path, "thing", "(module)"));
    const source = await publishToOci(made, { to: `oci://${fake.host}/copies/acme/thing` });
    fake.seen.length = 0;
    return source.slice(source.indexOf("@"));
  };

  it("is mirrored by another one, also below a path, and keeps its name in the lock", async () => {
    const digest = await publish();
    written(`//${fake.host}/:_authToken=mine\n//ghcr.io/:_authToken=theirs\n`);
    const mirrors = { "oci://ghcr.io/": `oci://${fake.host}/copies/` };
    for (const behind of ["", ":1.0.0", digest])
      expect(await fetchPackage(`oci://ghcr.io/acme/thing${behind}`, { reader, mirrors })).toMatchObject({
        source: `oci://ghcr.io/acme/thing:1.0.0${digest}`,
      });
    expect(new Set(fake.seen.map(({ authorization }) => authorization))).toEqual(new Set(["Bearer mine"]));
    await expect(fetchPackage("oci://ghcr.io/acme/other", { reader, mirrors })).rejects.toMatchObject({ code: "invalid-message" });
  });

  it("is asked through npm's proxy, with npm's authorities and its own host's token", async () => {
    await publish();
    const seen: (string | undefined)[] = [];
    await using behind = await startBehindProxy((request, response) => {
      seen.push(request.headers.authorization);
      handOn(request, response);
    });
    written(`${behind.npmrc}//api.test/:_authToken=mine\n`);
    const { source } = await fetchPackage("oci://api.test/copies/acme/thing", { reader });
    expect(source).toMatch(/^oci:\/\/api\.test\/copies\/acme\/thing:1\.0\.0@sha256:/);
    expect(new Set(seen)).toEqual(new Set(["Bearer mine"]));
    expect(new Set(behind.tunnels)).toEqual(new Set(["api.test:443"]));
    written(behind.npmrc.replace(/cafile.*/, ""));
    await expect(fetchPackage("oci://api.test/copies/acme/thing", { reader })).rejects.toMatchObject({ code: "http-failed" });
  });
});

describe("an npm registry", () => {
  let server: Server;
  let url: string;
  const seen: string[] = [];

  beforeEach(async () => {
    seen.length = 0;
    const { tarball, integrity } = await packPlugin(await writePlugin(folder.path, "thing", "(module)"));
    server = createServer(({ url: path = "", headers }, response) => {
      seen.push(`${path} ${headers.authorization}`);
      if (path.endsWith(".tgz")) return response.end(tarball);
      if (path.includes("attestations")) return response.end('{"attestations":[]}');
      // As a mirror has it that hands on what the registry itself says.
      const at = "https://registry.acme.example/npm";
      const attestations = { url: `${at}/-/npm/v1/attestations/thing@1.0.0` };
      const dist = { tarball: `${at}/thing/-/thing-1.0.0.tgz`, integrity, attestations };
      response.end(
        JSON.stringify({
          name: "thing",
          "dist-tags": { latest: "1.0.0" },
          versions: { "1.0.0": { name: "thing", version: "1.0.0", dist } },
        }),
      );
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });

  it("is mirrored with the addresses that it gives, whoever named it", async () => {
    written(`//127.0.0.1:${new URL(url).port}/:_authToken=mine\n//registry.acme.example/:_authToken=theirs\n`);
    const mirrors = { "https://registry.acme.example/npm/": `${url}copies/` };
    const ways = [{ registry: "https://registry.acme.example/npm" }, { registry: "https://registry.acme.example/npm/" }, {}];
    for (const way of ways) {
      if (!("registry" in way)) vi.stubEnv("npm_config_registry", "https://registry.acme.example/npm/");
      expect(await fetchPackage("thing", { reader, mirrors, ...way })).toMatchObject({ source: "npm:thing@1.0.0" });
    }
    expect(new Set(seen)).toEqual(new Set(["/copies/thing Bearer mine", "/copies/thing/-/thing-1.0.0.tgz Bearer mine"]));
  });

  it("is mirrored with what it attests, and with no token of its own", async () => {
    written(`//127.0.0.1:${new URL(url).port}/:_authToken=mine\n//registry.acme.example/:_authToken=theirs\n`);
    const mirrors = { "https://registry.acme.example/npm/": `${url}copies/` };
    const way = { mirrors, registry: "https://registry.acme.example/npm", attested: true };
    expect(await fetchPackage("thing", { reader, ...way })).toMatchObject({ attestations: { text: '{"attestations":[]}', name: "thing" } });
    expect(seen).toContain("/copies/-/npm/v1/attestations/thing@1.0.0 Bearer mine");
  });

  it("is no folder", async () => {
    const mirrors = { "https://registry.acme.example/npm/": "file:///srv/copies/" };
    await expect(fetchPackage("thing", { reader, mirrors, registry: "https://registry.acme.example/npm/" })).rejects.toMatchObject({
      code: "invalid-message",
      message: expect.stringContaining('"file:///srv/copies/" is no registry'),
    });
  });
});

describe("a host", () => {
  it("has documents and packages from the mirrors that are in force when it asks", async () => {
    await publishToOci(await packPlugin(await writePlugin(folder.path, "thing", "(module)")), { to: `oci://${fake.host}/copies/thing` });
    mkdirSync(join(folder.path, "copies"));
    writeFileSync(join(folder.path, "copies", "policy.json"), "copied");
    const withMirrors = (mirrors: object): Configuration =>
      parseConfiguration(JSON.stringify({ install: { mirrors } }), join(folder.path, "bulkhead.json"));
    let inForce = withMirrors({ "oci://ghcr.io/": "oci://127.0.0.1:1/", "https://acme.example/": "http://127.0.0.1:1/" });
    const sources = await pluginSources(inForce, {}, () => inForce);
    const policy = async (): Promise<string> =>
      Buffer.from(await sources.document("https://acme.example/policy.json", { what: "the policy", maxBytes: 100 })).toString();
    await expect(sources.fetch("oci://ghcr.io/thing")).rejects.toMatchObject({ code: "http-failed" });
    await expect(policy()).rejects.toMatchObject({ code: "http-failed" });
    inForce = withMirrors({
      "oci://ghcr.io/": `oci://${fake.host}/copies/`,
      "https://acme.example/": pathToFileURL(join(folder.path, "copies/")).href,
    });
    expect(await policy()).toBe("copied");
    expect((await sources.fetch("oci://ghcr.io/thing")).source).toMatch(/^oci:\/\/ghcr\.io\/thing:1\.0\.0@/);
    expect(await sources.resolve("oci://ghcr.io/thing")).toEqual({ version: "1.0.0" });
  });
});

describe("the section install", () => {
  const parse = (install: unknown): unknown => parseConfiguration(JSON.stringify({ install }), "c.json").install;
  const refusal = (install: unknown): string => {
    try {
      parse(install);
      return "none";
    } catch (thrown) {
      return toHostError(thrown).detail ?? "";
    }
  };

  it("names beginnings of addresses and what stands for them, and where registries may send us", () => {
    expect(parse(undefined)).toEqual({ mirrors: {}, elsewhere: {} });
    const install = {
      mirrors: {
        "https://registry.npmjs.org/": "https://mirror.local/npm/",
        "oci://ghcr.io/": "oci+http://mirror.local:5000/ghcr/",
        "https://acme.example/trust/": "file:///srv/mirror/trust/",
      },
      elsewhere: { "registry-1.docker.io": ["https://auth.docker.io", "http://127.0.0.1:5001"] },
    };
    expect(parse(install)).toEqual(install);
  });

  it("is documented by examples that hold", () => {
    const page = readFileSync(new URL("../../docs/registries.md", import.meta.url), "utf8");
    const examples = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
    expect(examples).toHaveLength(2);
    for (const text of examples) expect(parseConfiguration(text, "c.json").install).toMatchObject(JSON.parse(text).install);
  });

  it("is refused where it could mean more than it says", () => {
    for (const [from, to] of [
      ["https://acme.example", "https://mirror.local/"],
      ["https://acme.example/", "https://mirror.local"],
      ["https://Acme.example/", "https://mirror.local/"],
      ["https://acme.example/a/../", "https://mirror.local/"],
      ["acme", "https://mirror.local/"],
      ["file:///srv/", "https://mirror.local/"],
      ["oci://ghcr.io/", "https://mirror.local/"],
      ["https://acme.example/", "oci://mirror.local/"],
      ["oci://ghcr.io", "oci://mirror.local/"],
      ["https://acme.example/", "file://host/share/"],
      ["https://acme.example/", "./copies/"],
    ] as const)
      expect(refusal({ mirrors: { [from]: to } }), `${from} ${to}`).toMatch(/install\.mirrors/);
    for (const origin of ["http://auth.example", "https://auth.example/", "https://auth.example/token", "auth.example", "*"])
      expect(refusal({ elsewhere: { "ghcr.io": [origin] } }), origin).toMatch(/install\.elsewhere/);
    expect(refusal({ elsewhere: { "https://ghcr.io": [] } })).toMatch(/install\.elsewhere/);
    expect(
      refusal({ mirrors: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`https://a${i}.example/`, "https://b.example/"])) }),
    ).toMatch(/256 at most/);
    expect(readFileSync(new URL("../../schemas/bulkhead.schema.json", import.meta.url), "utf8")).toContain('"elsewhere"');
  });
});
