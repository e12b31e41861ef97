// A plugin comes whole and as announced, from a folder, a tarball or a real registry, or it does not come at all: hostile archives, changed bytes
// and sources of other kinds are refused with a code and a remedy.

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createSocketServer } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { packPlugin } from "../../host/install/pack.ts";
import { fetchPackage, resolveVersion, updateSpec } from "../../host/install/package-sources.ts";
import { packageReader } from "../../host/lifecycle/package-reader.ts";
import { absoluteSpec } from "../../host/manifest/package-spec.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";
import { startRegistry, type TestRegistry } from "../support/registry.ts";
import { paxEntry, type TarEntry, tarEntry, tgz } from "../support/tarballs.ts";
import { startBehindProxy } from "../support/tls-proxy.ts";
import { wat } from "../support/wat.ts";

const MIB = 1024 * 1024;
const manifest = (more: object = {}): string =>
  JSON.stringify({ name: "thing", version: "1.0.0", api: "0.1", wasm: "thing.wasm", ...more });
const refused = async (promise: Promise<unknown>): Promise<{ readonly code: string; readonly message: string }> =>
  promise.then(
    () => ({ code: "none", message: "it came" }),
    (thrown) => ({ code: thrown.code, message: thrown.message }),
  );
const because = (code: string, text: string): object => ({ code, message: expect.stringContaining(text) });

describe("fetchPackage", () => {
  let folder: TemporaryFolder;
  const options = { reader: packageReader() };

  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  describe("of a folder", () => {
    it("says where it came from and its hash", async () => {
      const path = await writePlugin(folder.path, "thing", "(module)");
      const found = await fetchPackage(path, options);
      expect(found).toMatchObject({ source: `folder:${path}`, manifest: { name: "thing" }, integrity: expect.stringMatching(/^sha512-/) });
      expect(await resolveVersion(path, options)).toEqual({ version: "1.0.0", integrity: found.integrity });
    });

    it("reads plain files only, whatever a link, a pipe or a device would give", async () => {
      const path = await writePlugin(folder.path, "thing", "(module)");
      const wasm = join(path, "plugin.wasm");
      for (const target of ["/dev/zero", "/etc/passwd", "plugin.json"]) {
        rmSync(wasm);
        symlinkSync(target, wasm);
        expect(await refused(fetchPackage(path, options))).toMatchObject(because("invalid-manifest", "plugin.wasm is no plain file"));
      }
      rmSync(wasm);
      execFileSync("mkfifo", [wasm]);
      expect(await refused(fetchPackage(path, options))).toMatchObject(because("invalid-manifest", "plugin.wasm is no plain file"));
      rmSync(wasm);
      const server = createSocketServer();
      await new Promise<void>((listening) => server.listen(wasm, listening));
      expect(await refused(fetchPackage(path, options))).toMatchObject(because("invalid-manifest", "plugin.wasm is no plain file"));
      await new Promise((closed) => server.close(closed));
      writeFileSync(wasm, "");
      truncateSync(wasm, 64 * MIB + 1);
      expect(await refused(fetchPackage(path, options))).toMatchObject(because("quota-exceeded", "64 MiB"));
      writeFileSync(join(path, "plugin.json"), manifest({ description: "x".repeat(2 * MIB) }));
      expect(await refused(fetchPackage(path, options))).toMatchObject(because("quota-exceeded", "1 MiB"));
    });

    it("installs the manifest that was read, not one that took its place meanwhile", async () => {
      const path = await writePlugin(folder.path, "thing", "(module)");
      const file = join(path, "plugin.json");
      const swap = join(folder.path, "swap.json");
      for (let i = 0; i < 50; i += 1) {
        const text = manifest({ wasm: "plugin.wasm", description: i % 2 === 0 ? "meek" : "greedy" });
        writeFileSync(swap, text);
        const fetching = fetchPackage(path, options);
        renameSync(swap, file);
        const found = await fetching;
        expect(JSON.parse(found.manifestText).description).toBe(found.manifest.description);
      }
    });
  });

  describe("of a tarball", () => {
    let wasm: Uint8Array<ArrayBuffer>;
    beforeAll(async () => {
      wasm = await wat("(module)");
    });

    const honest = (more: object = {}): TarEntry[] => [
      { path: "package/plugin.json", content: manifest(more) },
      { path: "package/thing.wasm", content: wasm },
    ];
    const fetchBytes = (bytes: Uint8Array): Promise<unknown> => {
      const file = join(folder.path, "thing.tgz");
      writeFileSync(file, bytes);
      return fetchPackage(file, options);
    };
    const withEntry = (entry: TarEntry | Buffer): Promise<{ readonly code: string; readonly message: string }> =>
      refused(fetchBytes(tgz(...honest(), entry)));

    it("takes the manifest and its module, whatever the first folder is called, and leaves the rest", async () => {
      const others = ["README.md", "src/index.ts", "src/plugin.json", "other.wasm"].map((name) => ({
        path: `any/${name}`,
        content: "text",
      }));
      const entries = honest().map((entry) => ({ ...entry, path: entry.path?.replace("package", "any") ?? "" }));
      const directory: TarEntry = { path: "any/", type: "Directory" };
      expect(await fetchBytes(tgz(directory, ...others, ...entries))).toMatchObject({ wasm, manifest: { version: "1.0.0" } });
      expect(readdirSync(folder.path)).toEqual(["thing.tgz"]);
    });

    it("refuses a path that leads out, by whatever means", async () => {
      const message = "leads elsewhere";
      for (const path of [
        "package/../../up",
        "../plugin.json",
        "/etc/passwd",
        "package//etc/x",
        "package\\..\\up",
        "package/./x",
        "package/a\nb",
      ])
        expect(await withEntry({ path, content: "x" })).toMatchObject(because("invalid-manifest", message));
      expect(await withEntry(paxEntry("package/../../up", "x"))).toMatchObject(because("invalid-manifest", message));
      expect(await withEntry(paxEntry("package/a\0b", "x"))).toMatchObject(because("invalid-manifest", "NUL"));
    });

    it("refuses links, devices and pipes", async () => {
      for (const [type, linkpath] of [
        ["SymbolicLink", "/etc/passwd"],
        ["Link", "package/plugin.json"],
        ["CharacterDevice", undefined],
        ["BlockDevice", undefined],
        ["FIFO", undefined],
      ] as const) {
        const link = linkpath === undefined ? {} : { linkpath };
        expect(await withEntry({ path: "package/it", type, ...link })).toMatchObject(
          because("invalid-manifest", `holds a ${type}, package/it`),
        );
      }
      const unknown = tarEntry({ path: "package/it" });
      unknown.write("S", 156);
      expect(await withEntry(unknown)).toMatchObject({ code: "invalid-manifest" });
    });

    it("refuses a second manifest or module, in whatever case and folder", async () => {
      for (const path of ["package/plugin.json", "package/PLUGIN.json", "other/plugin.json", "package/Thing.wasm"])
        expect(await withEntry({ path, content: manifest() })).toMatchObject(because("invalid-manifest", "twice"));
    });

    it("refuses what is missing or contradicts itself", async () => {
      const [json, module] = honest();
      expect(await refused(fetchBytes(tgz(...(module ? [module] : []))))).toMatchObject(
        because("invalid-manifest", "holds no plugin.json"),
      );
      expect(await refused(fetchBytes(tgz(...(json ? [json] : []))))).toMatchObject(because("invalid-manifest", "holds no thing.wasm"));
      expect(await refused(fetchBytes(tgz({ path: "plugin.json", content: manifest() })))).toMatchObject({ code: "invalid-manifest" });
      expect(await withEntry({ path: "package/package.json", content: '{"version": "1.2.4"}' })).toMatchObject(
        because("invalid-manifest", "package.json says 1.2.4, plugin.json 1.0.0"),
      );
      expect(await withEntry({ path: "package/package.json", content: '{"version": {}}' })).toMatchObject(
        because("invalid-manifest", "says nothing"),
      );
      expect(await refused(fetchBytes(tgz(...honest({ api: "9.9" }))))).toMatchObject({ code: "incompatible-api" });
    });

    it("stops at each limit", async () => {
      const bomb = gzipSync(Buffer.alloc(200 * MIB));
      expect(await refused(fetchBytes(bomb))).toMatchObject(because("quota-exceeded", "64 MiB when unpacked"));
      expect(await refused(fetchBytes(randomBytes(33 * MIB)))).toMatchObject(because("quota-exceeded", "32 MiB"));
      const crowd = Array.from({ length: 20_000 }, (_, i) => ({ path: `package/${i}` }));
      expect(await refused(fetchBytes(tgz(...crowd)))).toMatchObject(because("quota-exceeded", "10000 entries"));
      const large = { path: "package/plugin.json", content: manifest({ description: "x".repeat(2 * MIB) }) };
      expect(await refused(fetchBytes(tgz(large)))).toMatchObject(because("quota-exceeded", "1 MiB"));
    });

    it("gives up an archive whose headers cost too much, in another process", async () => {
      const records = "30 comment=xxxxxxxxxxxxxxxxxx\n".repeat(30_000);
      const costly = tgz(...Array.from({ length: 50 }, () => tarEntry({ path: "PaxHeader/x", type: "ExtendedHeader", content: records })));
      const bounds = { cpuMs: 400, timeoutMs: 60_000, memoryBytes: 1_024 * MIB };
      const file = join(folder.path, "thing.tgz");
      writeFileSync(file, costly);
      const found = await refused(fetchPackage(file, { reader: packageReader({}, bounds) }));
      expect(found).toMatchObject(because("quota-exceeded", "more than 400 ms of CPU time"));
    });

    it("refuses damaged archives, and one inside the other", async () => {
      const whole = tgz(...honest());
      const cut = tarEntry({ path: "package/thing.wasm", content: randomBytes(2_000) }).subarray(0, 1_024);
      for (const bytes of [
        whole.subarray(0, whole.length - 20),
        Buffer.from("no gzip"),
        Buffer.alloc(0),
        gzipSync(randomBytes(2_048)),
        gzipSync(cut),
      ])
        expect(await refused(fetchBytes(bytes))).toMatchObject(because("invalid-manifest", "damaged"));
      expect(await refused(fetchBytes(gzipSync(whole)))).toMatchObject(because("invalid-manifest", "packed twice"));
    });

    it("says when there is no such file", async () => {
      expect(await refused(fetchPackage(join(folder.path, "none.tgz"), options))).toMatchObject(
        because("invalid-message", "cannot be read; write a folder"),
      );
      mkdirSync(join(folder.path, "folder.tgz"));
      expect(await refused(fetchPackage(join(folder.path, "folder.tgz"), options))).toMatchObject({ code: "invalid-message" });
      symlinkSync("/dev/zero", join(folder.path, "endless.tgz"));
      expect(await refused(fetchPackage(join(folder.path, "endless.tgz"), options))).toMatchObject({ code: "invalid-message" });
    });
  });

  describe("of a registry", () => {
    let home: TemporaryFolder;
    let registry: TestRegistry;

    beforeAll(async () => {
      home = temporaryFolder();
      registry = await startRegistry(home.path);
      for (const version of ["1.0.0", "1.1.0", "2.0.0"]) {
        const packed = await packPlugin(await writePlugin(home.path, "thermostat", "(module)", { version }), { name: "@acme/thermostat" });
        await registry.publish(packed.npmName, version, packed.tarball);
      }
    });
    afterAll(async () => {
      await registry[Symbol.asyncDispose]();
      home.remove();
    });
    beforeEach(() => {
      vi.stubEnv("npm_config_userconfig", join(folder.path, ".npmrc"));
      vi.stubEnv("npm_config_registry", undefined);
    });
    afterEach(() => vi.unstubAllEnvs());

    const from = (spec: string): ReturnType<typeof fetchPackage> => fetchPackage(spec, { ...options, registry: registry.url });

    it("takes the version that the range, the tag or nothing means", async () => {
      const integrity = expect.stringMatching(/^sha512-/);
      const versions = { "@^1.0.0": "1.1.0", "@1.0.0": "1.0.0", "@>=1 <1.1": "1.0.0", "@latest": "2.0.0", "": "2.0.0" };
      for (const [wanted, version] of Object.entries(versions)) {
        const source = `npm:@acme/thermostat@${version}`;
        expect(await from(`@acme/thermostat${wanted}`)).toMatchObject({ source, integrity, manifest: { name: "thermostat", version } });
      }
    });

    it("says the version and hash without downloading", async () => {
      const { integrity } = await from("@acme/thermostat@^1.0.0");
      const asked = { ...options, registry: registry.url };
      expect(await resolveVersion("@acme/thermostat@^1.0.0", asked)).toEqual({ version: "1.1.0", integrity });
    });

    it("asks the registry of npm's settings when none is named", async () => {
      vi.stubEnv("npm_config_registry", registry.url);
      expect((await fetchPackage("@acme/thermostat", options)).manifest.version).toBe("2.0.0");
      vi.stubEnv("npm_config_registry", "http://127.0.0.1:1/");
      writeFileSync(join(folder.path, ".npmrc"), `; mine\n@acme:registry = "${registry.url}"\n`);
      expect((await fetchPackage("@acme/thermostat", options)).manifest.version).toBe("2.0.0");
      vi.stubEnv("npm_config_userconfig", folder.path);
      expect(await refused(fetchPackage("@acme/thermostat", options))).toMatchObject(because("invalid-message", "cannot be read"));
      vi.stubEnv("npm_config_userconfig", join(folder.path, "none"));
      vi.stubEnv("npm_config_registry", "ftp://example.org");
      expect(await refused(fetchPackage("@acme/thermostat", options))).toMatchObject(because("invalid-message", "is no registry"));
    });

    it("refuses a tarball that was changed at the registry", async () => {
      const packed = await packPlugin(await writePlugin(folder.path, "changed", "(module)"));
      await registry.publish("changed", "1.0.0", packed.tarball);
      const file = join(registry.folderOf("changed"), "changed-1.0.0.tgz");
      const bytes = readFileSync(file);
      writeFileSync(file, Buffer.concat([bytes.subarray(0, -1), Buffer.from([(bytes.at(-1) ?? 0) ^ 1])]));
      expect(await refused(from("changed"))).toMatchObject(because("invalid-manifest", "not what the registry announced"));
    });

    it("runs no script of the package", async () => {
      const path = await writePlugin(folder.path, "scripted", "(module)");
      const mark = join(folder.path, "mark");
      const names = ["preinstall", "install", "postinstall", "prepare", "prepack"];
      const scripts = Object.fromEntries(names.map((name) => [name, `touch ${mark}`]));
      writeFileSync(join(path, "package.json"), JSON.stringify({ name: "scripted", version: "1.0.0", scripts }));
      const packed = await packPlugin(path);
      await registry.publish("scripted", "1.0.0", packed.tarball);
      expect(await from("scripted")).toMatchObject({ source: "npm:scripted@1.0.0" });
      await fetchPackage(path, options);
      expect(existsSync(mark)).toBe(false);
    });

    it("refuses a package whose plugin has another version than the registry says", async () => {
      const packed = await packPlugin(await writePlugin(folder.path, "other", "(module)", { version: "1.0.1" }));
      await registry.publish("other", "1.0.0", packed.tarball);
      expect(await refused(from("other"))).toMatchObject(because("invalid-manifest", "plugin.json says 1.0.1"));
    });

    it("says which package or version is not there", async () => {
      for (const spec of ["@acme/none", "@acme/thermostat@^9.0.0", "@acme/thermostat@next"])
        expect(await refused(from(spec))).toMatchObject(because("invalid-message", `is not at ${registry.url}`));
    });
  });

  describe("of a registry that means no good", () => {
    let server: Server;
    let url: string;
    let answer: (path: string, response: import("node:http").ServerResponse) => void;

    beforeEach(async () => {
      server = createServer((request, response) => answer(request.url ?? "", response));
      await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      vi.stubEnv("npm_config_userconfig", join(folder.path, ".npmrc"));
    });
    afterEach(async () => {
      vi.unstubAllEnvs();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    });

    const packument = (dist: object): string =>
      JSON.stringify({ name: "thing", "dist-tags": { latest: "1.0.0" }, versions: { "1.0.0": { name: "thing", version: "1.0.0", dist } } });
    const from = (spec: string): Promise<{ readonly code: string; readonly message: string }> =>
      refused(fetchPackage(spec, { ...options, registry: url }));

    it("stops an endless download at the limit", async () => {
      const integrity = `sha512-${Buffer.alloc(64).toString("base64")}`;
      let sent = 0;
      const closed = new Promise<void>((resolve) => {
        answer = (path, response) => {
          if (path === "/thing") return response.end(packument({ tarball: `${url}endless.tgz`, integrity }));
          const chunk = Buffer.alloc(MIB);
          const more = (): void => {
            while (!response.destroyed && response.write(chunk)) sent += 1;
            sent += 1;
          };
          response.on("drain", more).on("close", resolve);
          more();
        };
      });
      expect(await from("thing")).toMatchObject(because("quota-exceeded", "32 MiB"));
      await closed;
      expect(sent).toBeLessThan(100);
    });

    it("refuses one that announces no hash, or a weak one", async () => {
      for (const dist of [{}, { shasum: "0".repeat(40) }, { integrity: "sha1-AAAA" }]) {
        answer = (_path, response) => response.end(packument({ tarball: `${url}thing.tgz`, ...dist }));
        expect(await from("thing")).toMatchObject(because("invalid-manifest", "announces no SHA-512"));
      }
    });

    it("fetches no file of this machine for it, and says what is no registry", async () => {
      const integrity = `sha512-${Buffer.alloc(64).toString("base64")}`;
      answer = (_path, response) => response.end(packument({ tarball: "file:///etc/passwd", integrity }));
      expect(await from("thing")).toMatchObject(because("http-failed", "sends us to file:///etc/passwd"));
      answer = (_path, response) => response.end("<html>");
      expect(await from("thing")).toMatchObject(because("http-failed", url));
      answer = (_path, response) => response.writeHead(401).end("{}");
      expect(await from("thing")).toMatchObject(because("http-failed", "npm login"));
    });

    it("starts no program and fetches nothing elsewhere, whatever the address of the tarball looks like", async () => {
      const bin = join(folder.path, "bin");
      const mark = join(folder.path, "started");
      mkdirSync(bin);
      for (const name of ["git", "npm", "node", "ssh", "sh"])
        writeFileSync(join(bin, name), `#!/bin/bash\necho ${name} >> ${mark}\n`, { mode: 0o755 });
      vi.stubEnv("PATH", bin);
      const seen: string[] = [];
      const elsewhere = createServer((request, response) => {
        seen.push(request.url ?? "");
        response.end();
      });
      await new Promise<void>((listening) => elsewhere.listen(0, "127.0.0.1", listening));
      const other = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
      const integrity = `sha512-${Buffer.alloc(64).toString("base64")}`;
      for (const tarball of [
        "https://github.com/evil/repo",
        "https://github.com/evil/repo.git",
        "git+https://github.com/evil/repo.git",
        "git@github.com:evil/repo.git",
        "git+ssh://git@github.com/evil/repo",
        "github:evil/repo",
        "https://gitlab.com/evil/repo",
        "https://gist.github.com/evil/0123456789abcdef0123456789abcdef",
        "file:///etc",
        "/etc",
        "~/thing",
        `${other}/thing.tgz`,
        `//${other.slice("http://".length)}/thing.tgz`,
        url.replace("http://", "http://user:password@"),
        url.replace("http:", "https:"),
      ]) {
        answer = (path, response) => {
          if (path === "/thing") return response.end(packument({ tarball, integrity }));
          response.writeHead(404).end();
        };
        expect(await from("thing"), tarball).toMatchObject({ code: expect.stringMatching(/^(http-failed|invalid-message)$/) });
      }
      answer = (path, response) => {
        if (path === "/thing") return response.end(packument({ tarball: `${url}thing.tgz`, integrity }));
        response.writeHead(302, { location: `${other}/thing.tgz` }).end();
      };
      expect(await from("thing")).toMatchObject(because("http-failed", "sends us to"));
      await new Promise((closed) => elsewhere.close(closed));
      expect(seen).toEqual([]);
      expect(existsSync(mark)).toBe(false);
    });

    it("bounds what it says before it is parsed, and parses where it may die", async () => {
      answer = (_path, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(200 * MIB, " ")));
      expect(await from("thing")).toMatchObject(because("quota-exceeded", "64 MiB"));
      answer = (_path, response) => response.writeHead(200, { "content-encoding": "br" }).end("x");
      expect(await from("thing")).toMatchObject(because("http-failed", "nothing usable"));
      const heavy = gzipSync(`{"name":"thing","versions":{"1.0.0":[${"{},".repeat(15 * MIB)}{}]}}`);
      answer = (_path, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(heavy);
      const reader = packageReader({}, { cpuMs: 10_000, timeoutMs: 60_000, memoryBytes: 256 * MIB });
      const before = process.memoryUsage().rss;
      const found = await refused(fetchPackage("thing", { reader, registry: url }));
      expect(found).toMatchObject({ code: "quota-exceeded", message: expect.stringMatching(/256 MiB of memory|ended the process/) });
      expect(process.memoryUsage().rss - before).toBeLessThan(200 * MIB);
    });

    it("reads no further what comes in pieces of a byte, or hides in extensions of chunks", async () => {
      answer = (_path, response) => {
        let left = 30_000;
        const more = (): void => {
          left -= 1;
          if (left === 0 || response.destroyed) return void response.end();
          response.write(" ");
          setImmediate(more);
        };
        more();
      };
      expect(await from("thing")).toMatchObject(because("http-failed", "pieces"));
      let sent = 0;
      answer = (_path, response) => {
        const { socket } = response;
        const chunk = `1;${"x".repeat(1_000)}\r\n \r\n`.repeat(1_000);
        const more = (): void => {
          while (socket?.destroyed === false && sent < 300 * MIB) {
            sent += chunk.length;
            if (!socket.write(chunk)) return;
          }
        };
        socket?.on("drain", more).write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        more();
      };
      expect(await from("thing")).toMatchObject({ message: expect.stringMatching(/pieces|32 MiB/) });
      expect(sent).toBeLessThan(100 * MIB);
    });

    it("sends the credentials of .npmrc to their own host only", async () => {
      const { host } = new URL(url);
      const seen: (string | undefined)[] = [];
      server.on("request", ({ headers }) => seen.push(headers.authorization));
      answer = (_path, response) => response.writeHead(404).end("{}");
      writeFileSync(join(folder.path, ".npmrc"), `//${host}/:_authToken=\${MINE}\n//example.org/:_authToken=theirs\n`);
      vi.stubEnv("MINE", "secret");
      await from("thing");
      expect(new Set(seen)).toEqual(new Set(["Bearer secret"]));
      seen.length = 0;
      writeFileSync(join(folder.path, ".npmrc"), "//example.org/:_authToken=theirs\n");
      await from("thing");
      expect(new Set(seen)).toEqual(new Set([undefined]));
    });

    it("heeds npm's proxies and its file of authorities", async () => {
      await using behind = await startBehindProxy((_request, response) => response.writeHead(404).end("{}"));
      for (const key of ["cafile", "proxy", "https_proxy", "noproxy"]) vi.stubEnv(`npm_config_${key}`, undefined);
      const ask = () => refused(fetchPackage("thing", { ...options, registry: "https://api.test/" }));
      writeFileSync(join(folder.path, ".npmrc"), behind.npmrc.replace(/cafile.*/, ""));
      expect(await ask()).toMatchObject(because("http-failed", "https://api.test/ could not be asked"));
      writeFileSync(join(folder.path, ".npmrc"), behind.npmrc);
      expect(await ask()).toMatchObject(because("invalid-message", "is not at https://api.test/"));
      expect(new Set(behind.tunnels)).toEqual(new Set(["api.test:443"]));
      vi.stubEnv("npm_config_cafile", join(folder.path, "none.pem"));
      expect(await ask()).toMatchObject(because("invalid-message", "npm's setting cafile names it"));
    });

    it("says when nobody answers", async () => {
      const dead = { ...options, registry: "http://127.0.0.1:1/" };
      expect(await refused(fetchPackage("thing", dead))).toMatchObject(because("http-failed", "http://127.0.0.1:1/ could not be asked"));
    });
  });

  it("refuses sources of other kinds, with what to write instead", async () => {
    const others = [
      "git+https://github.com/acme/thermostat.git",
      "git@github.com:acme/thermostat.git",
      "github:acme/thermostat",
      "https://example.org/thermostat.tgz",
      "file:/srv/thermostat",
      "npm:@acme/thermostat",
      "thing@npm:other",
      "thing@file:/srv/thing",
      "thing@acme/thing",
      "thing@next.tar.gz",
      "thing@../up",
      "git+ssh://git@github.com/acme/thermostat.git",
      "docker://ghcr.io/acme/thermostat",
      "Thing",
      "@acme",
      "@acme/thing/more",
      "--registry=http://example.org",
      "",
    ];
    for (const spec of others)
      expect(await refused(fetchPackage(spec, { ...options, registry: "http://127.0.0.1:1/" })), spec).toMatchObject(
        because("invalid-message", "write a folder, a .tgz file, or a package"),
      );
  });

  it("makes paths absolute and nothing else, and knows where an update comes from", () => {
    for (const path of ["plugins/thing", "./thing", "thing.tgz", "."]) expect(absoluteSpec(path)).toMatch(/^\//);
    for (const spec of ["thing", "@acme/thing@^1.0.0", "https://example.org/x.tgz"]) expect(absoluteSpec(spec)).toBe(spec);
    expect(updateSpec("npm:@acme/thing@1.2.3")).toBe("@acme/thing");
    expect(updateSpec("folder:/srv/thing")).toBe("/srv/thing");
    expect(updateSpec("tarball:/srv/a:b.tgz")).toBe("/srv/a:b.tgz");
  });
});
