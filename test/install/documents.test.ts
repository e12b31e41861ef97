// Documents come from files and addresses, by the same ways as packages: mirrors, proxies, authorities and tokens; within bounds, and from nowhere else.

import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type DocumentOptions, documentsBelow, fetchDocument } from "../../host/install/documents.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { startBehindProxy } from "../support/tls-proxy.ts";

const KIB = 1_024;

let folder: TemporaryFolder;
let server: Server;
let url: string;
let answer: RequestListener;

beforeEach(async () => {
  folder = temporaryFolder();
  for (const key of ["cafile", "proxy", "https_proxy", "noproxy", "registry"]) vi.stubEnv(`npm_config_${key}`, undefined);
  vi.stubEnv("npm_config_userconfig", join(folder.path, ".npmrc"));
  answer = (_request, response) => response.end("text");
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  folder.remove();
});

const fetched = async (place: string, more: Partial<DocumentOptions> = {}): Promise<string> =>
  (await fetchDocument(place, { what: "the policy", maxBytes: KIB, ...more })).toString();
const refused = (place: string, more: Partial<DocumentOptions> = {}): Promise<{ readonly code: string; readonly message: string }> =>
  fetched(place, more).then(
    (text) => ({ code: "none", message: text }),
    ({ code, message }) => ({ code, message }),
  );
const because = (code: string, text: string): object => ({ code, message: expect.stringContaining(text) });

describe("a document", () => {
  it("comes from a file, by its path or address, also by a link of the operator's own", async () => {
    const file = join(folder.path, "a b.json");
    writeFileSync(file, "text");
    symlinkSync(file, join(folder.path, "link"));
    for (const place of [file, pathToFileURL(file).href, join(folder.path, "link")]) expect(await fetched(place), place).toBe("text");
    writeFileSync(file, "x".repeat(KIB + 1));
    expect(await refused(file)).toMatchObject({ code: "quota-exceeded" });
    expect(await refused(join(folder.path, "none"))).toMatchObject(because("invalid-message", "the policy is not at"));
    execFileSync("mkfifo", [join(folder.path, "pipe")]);
    expect(await refused(join(folder.path, "pipe"))).toMatchObject(because("invalid-message", "is no plain file"));
    expect(await refused("file://elsewhere/x")).toMatchObject(because("invalid-message", "is no place for the policy"));
    expect(await refused("file:///a%2fb")).toMatchObject(because("invalid-message", "is no place for the policy"));
  });

  it("comes by https, and without TLS from this machine only", async () => {
    expect(await fetched(`${url}policy.json`)).toBe("text");
    for (const place of [
      "http://example.org/policy.json",
      "HTTP://192.0.2.1/",
      "https://user:password@example.org/",
      "http://127.0.0.1.example/",
    ])
      expect(await refused(place), place).toMatchObject(because("invalid-message", "is no address for the policy; write https://"));
    for (const place of ["ftp://example.org/x", "git+https://example.org/x", "data:text/plain,x", "oci://ghcr.io/x"])
      expect(await refused(place), place).toMatchObject(because("invalid-message", "is no place for the policy"));
  });

  it("has an end, and is what it is", async () => {
    answer = (_request, response) => response.end("x".repeat(KIB));
    expect(await fetched(url)).toHaveLength(KIB);
    answer = (_request, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write("x".repeat(64 * KIB)));
      };
      response.on("drain", more);
      more();
    };
    expect(await refused(url)).toMatchObject(because("quota-exceeded", "more than 1024 bytes, which is the limit for the policy"));
    answer = (_request, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("text"));
    expect(await refused(url)).toMatchObject(because("http-failed", "has to come as it is"));
    for (const [status, code] of [
      [404, "invalid-message"],
      [410, "invalid-message"],
      [401, "http-failed"],
      [403, "http-failed"],
      [204, "http-failed"],
      [206, "http-failed"],
      [500, "http-failed"],
    ] as const) {
      answer = (_request, response) => response.writeHead(status).end();
      expect(await refused(url), String(status)).toMatchObject({ code });
    }
    answer = () => {};
    expect(await refused(url, { timeoutMs: 200 })).toMatchObject(because("http-failed", "could not be asked for the policy"));
  });

  it("comes from nowhere else", async () => {
    answer = (_request, response) => response.writeHead(302, { location: "http://127.0.0.1:1/x" }).end();
    expect(await refused(url)).toMatchObject(because("http-failed", "sends us to http://127.0.0.1:1/x"));
    answer = ({ url: path }, response) => (path === "/" ? response.writeHead(302, { location: "further" }).end() : response.end(path));
    expect(await fetched(url)).toBe("/further");
  });

  it("is asked for with the credentials of its own host", async () => {
    writeFileSync(join(folder.path, ".npmrc"), `//${new URL(url).host}/trust/:_authToken=mine\n//example.org/:_authToken=theirs\n`);
    answer = ({ headers }, response) => response.end(headers.authorization ?? "none");
    expect(await fetched(`${url}trust/policy.json`)).toBe("Bearer mine");
    expect(await fetched(`${url}policy.json`)).toBe("none");
  });

  it("comes through npm's proxy, from whom npm's authorities vouch for", async () => {
    await using behind = await startBehindProxy(({ headers }, response) => response.end(`${headers.host} ${headers.authorization}`));
    expect(await refused("https://api.test/policy.json", { timeoutMs: 20_000 })).toMatchObject({ code: "http-failed" });
    writeFileSync(join(folder.path, ".npmrc"), `${behind.npmrc}//api.test/:_authToken=mine\n`);
    expect(await fetched("https://api.test/policy.json")).toBe("api.test Bearer mine");
    expect(new Set(behind.tunnels)).toEqual(new Set(["api.test:443"]));
    writeFileSync(join(folder.path, ".npmrc"), behind.npmrc.replace(/cafile.*/, ""));
    expect(await refused("https://api.test/policy.json")).toMatchObject(because("http-failed", "could not be asked"));
  });
});

describe("documents below a place", () => {
  it("are told by their paths, from files and from the web, and one that is not there is undefined", async () => {
    mkdirSync(join(folder.path, "log", "tile"), { recursive: true });
    writeFileSync(join(folder.path, "log", "tile", "000"), "text");
    answer = ({ url: path }, response) => (path === "/log/tile/000" ? response.end("text") : response.writeHead(404).end());
    for (const base of [`${folder.path}/log/`, pathToFileURL(`${folder.path}/log/`).href, `${url}log/`]) {
      const read = documentsBelow(base, { what: "the log" });
      expect((await read("tile/000", 4))?.toString(), base).toBe("text");
      expect(await read("tile/001", 4), base).toBeUndefined();
      expect(await read("tile/000/001", 4), base).toBeUndefined();
      await expect(read("tile/000", 3), base).rejects.toMatchObject({ code: "quota-exceeded" });
    }
  });
});

describe("a mirror", () => {
  it("stands for what begins so, the longest first", async () => {
    const copies = join(folder.path, "copies");
    mkdirSync(join(copies, "deep"), { recursive: true });
    writeFileSync(join(copies, "policy.json"), "copied");
    writeFileSync(join(copies, "deep", "policy.json"), "deep");
    answer = ({ url: path }, response) => response.end(path);
    const mirrors = {
      "https://acme.example/": `${url}mirror/`,
      "https://acme.example/trust/": pathToFileURL(`${copies}/`).href,
    };
    expect(await fetched("https://acme.example/other.json", { mirrors })).toBe("/mirror/other.json");
    expect(await fetched("https://acme.example/trust/policy.json", { mirrors })).toBe("copied");
    expect(await fetched("https://ACME.example:443/trust/deep/../deep/policy.json", { mirrors })).toBe("deep");
    expect(await refused("https://acme.example.evil/policy.json", { mirrors, timeoutMs: 5_000 })).toMatchObject({ code: "http-failed" });
  });

  it("of a folder gives nothing beside it", async () => {
    const copies = join(folder.path, "copies");
    mkdirSync(copies);
    writeFileSync(join(folder.path, "secret"), "secret");
    const mirrors = { "https://acme.example/trust/": pathToFileURL(`${copies}/`).href };
    for (const path of ["../secret", "%2e%2e/secret", "..%2fsecret", "%2e%2e%2fsecret", "..\\secret", "x/../../secret"])
      expect(await refused(`https://acme.example/trust/${path}`, { mirrors, timeoutMs: 5_000 }), path).not.toMatchObject({ code: "none" });
  });
});
