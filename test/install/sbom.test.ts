// Bills of materials: what each kind of lock file says, that a bill is valid and the same each time, and that no lock file does more than be refused.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Version } from "@cyclonedx/cyclonedx-library/Spec";
import { JsonValidator } from "@cyclonedx/cyclonedx-library/Validation";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { billOf, type Subject } from "../../host/install/sbom/cyclonedx.ts";
import { installedPackages } from "../../host/install/sbom/installed-packages.ts";
import { lockFilesOf } from "../../host/install/sbom/lock-files.ts";
import { ROOT } from "../docs/markdown.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const SUBJECT: Subject = { name: "lamp", version: "1.0.0", license: "MIT", files: [{ name: "lamp.wasm", sha256: "a".repeat(64) }] };
const SHA512 = Buffer.alloc(64, 1);
const SHA256 = Buffer.alloc(32, 2);

describe("a bill of materials", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());
  const write = (file: string, content: string | object): void =>
    writeFileSync(join(folder.path, file), typeof content === "string" ? content : JSON.stringify(content));
  const bill = async (at = folder.path, options: object = {}) => {
    const text = await billOf(SUBJECT, await lockFilesOf(at), { toolVersion: "0.2.0", ...options });
    expect(await new JsonValidator(Version.v1dot6).validate(text)).toBeNull();
    const parsed = JSON.parse(text);
    const needs = (ref: string): unknown => parsed.dependencies.find((one: { ref: string }) => one.ref === ref)?.dependsOn ?? [];
    return { text, parsed, needs, refs: parsed.components.map((one: { "bom-ref": string }) => one["bom-ref"]) };
  };
  const refuses = (message: RegExp): Promise<void> =>
    expect(lockFilesOf(folder.path)).rejects.toMatchObject({ code: "invalid-message", message: expect.stringMatching(message) });

  it("without a lock file names the module", async () => {
    const { parsed, refs } = await bill();
    expect(refs).toEqual(["file:lamp.wasm"]);
    expect(parsed.metadata.component).toMatchObject({ name: "lamp", version: "1.0.0", licenses: [{ license: { id: "MIT" } }] });
    expect(parsed.components[0].hashes).toEqual([{ alg: "SHA-256", content: "a".repeat(64) }]);
    expect(parsed.metadata.timestamp).toBeUndefined();
  });

  it("is the same each time, and has another number when it says another thing", async () => {
    const first = await bill();
    expect((await bill()).text).toBe(first.text);
    expect(first.parsed.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const dated = await bill(folder.path, { timestamp: 0 });
    expect(dated.parsed.metadata.timestamp).toBe("1970-01-01T00:00:00.000Z");
    expect(dated.parsed.serialNumber).not.toBe(first.parsed.serialNumber);
  });

  it("has what npm has locked: the nearer of two versions, what is for building, and hashes", async () => {
    const integrity = `sha1-${Buffer.alloc(20).toString("base64")} sha512-${SHA512.toString("base64")}`;
    write("package-lock.json", {
      lockfileVersion: 3,
      packages: {
        "": { dependencies: { a: "^1" }, devDependencies: { tool: "*" } },
        "node_modules/a": { version: "1.0.0", integrity, license: "(MIT OR ISC)", dependencies: { "@s/b": "^2" } },
        "node_modules/a/node_modules/@s/b": { version: "2.0.0" },
        "node_modules/@s/b": { version: "1.0.0", optional: true },
        "node_modules/tool": { version: "3.0.0", dev: true, dependencies: { "@s/b": "^1", gone: "*" } },
        "node_modules/linked": { link: true, resolved: "linked" },
        linked: { name: "linked", version: "0.1.0" },
      },
    });
    const { parsed, refs, needs } = await bill();
    const [a, old, young, tool] = ["pkg:npm/a@1.0.0", "pkg:npm/%40s/b@1.0.0", "pkg:npm/%40s/b@2.0.0", "pkg:npm/tool@3.0.0"];
    expect(refs).toEqual(["file:lamp.wasm", "local:npm/linked@0.1.0", old, young, a, tool]);
    expect([needs("plugin:lamp@1.0.0"), needs(a), needs(tool)]).toEqual([[a, tool], [young], [old]]);
    expect(parsed.components.find((one: { purl?: string }) => one.purl === a)).toMatchObject({
      hashes: [{ alg: "SHA-512", content: SHA512.toString("hex") }],
      licenses: [{ license: { name: "(MIT OR ISC)" } }],
      scope: "required",
    });
    const scopes = parsed.components.map((one: { scope?: string }) => one.scope);
    expect(scopes).toEqual([undefined, "required", "optional", "required", "required", "excluded"]);
    expect(parsed.components[1].purl).toBeUndefined();
  });

  it("has what cargo has locked, of the repository's own plugin", async () => {
    const { parsed, needs, refs } = await bill(join(ROOT, "plugins/counter/rust"));
    expect(needs("local:cargo/counter@0.1.0")).toContain("local:cargo/bulkhead@0.1.0");
    expect(needs("plugin:lamp@1.0.0")).toContain("local:cargo/counter@0.1.0");
    const lock = readFileSync(join(ROOT, "plugins/counter/rust/Cargo.lock"), "utf8");
    expect(refs).toHaveLength(1 + (lock.match(/^\[\[package\]\]$/gm)?.length ?? 0));
    const checksums = [...lock.matchAll(/checksum = "(\w+)"/g)].map(([, sum]) => sum);
    const hashes = parsed.components
      .slice(1)
      .flatMap((one: { hashes?: { content: string }[] }) => one.hashes?.map(({ content }) => content) ?? []);
    expect(hashes.sort()).toEqual(checksums.sort());
    expect(hashes.length).toBeGreaterThan(3);
  });

  it("has what go has locked, of the repository's own and with everything that go.mod may say", async () => {
    const own = await bill(join(ROOT, "test/e2e/extism-pdks/go"));
    expect(own.refs).toEqual(["file:lamp.wasm", "pkg:golang/github.com/extism/go-pdk@v1.1.3"]);
    expect(own.parsed.components[1].hashes[0].alg).toBe("SHA-256");
    const sdk = await bill(join(ROOT, "plugins/counter/go"));
    expect(sdk.refs).toEqual(["file:lamp.wasm", "local:golang/bulkhead.local/sdk@v0.1.0"]);
    write(
      "go.mod",
      "module lamp // here\n\ngo 1.24\ntoolchain go1.24.1\n// a comment\nrequire (\n\ta.b/c v1.0.0\n\td.e/f v1.0.0 // indirect\n)\nrequire g.h/i v0.0.0-20240101000000-abcdefabcdef\nexclude a.b/c v0.9.0\nreplace (\n\ta.b/c v1.0.0 => x.y/z v2.0.0\n)\n",
    );
    write("go.sum", `x.y/z v2.0.0 h1:${SHA256.toString("base64")}\nx.y/z v2.0.0/go.mod h1:${Buffer.alloc(32).toString("base64")}\n`);
    const { parsed, refs, needs } = await bill();
    const [direct, indirect, replaced] = [
      "pkg:golang/g.h/i@v0.0.0-20240101000000-abcdefabcdef",
      "pkg:golang/d.e/f@v1.0.0",
      "pkg:golang/x.y/z@v2.0.0",
    ];
    expect(refs).toEqual(["file:lamp.wasm", indirect, direct, replaced]);
    expect(needs("plugin:lamp@1.0.0")).toEqual([direct, replaced]);
    expect(parsed.components[3].hashes).toEqual([{ alg: "SHA-256", content: SHA256.toString("hex") }]);
  });

  it("has what uv and pip have locked, with the hashes of all files that it may have come as", async () => {
    const [one, two] = ["1".repeat(64), "2".repeat(64)];
    write(
      "uv.lock",
      `version = 1\n[[package]]\nname = "lamp"\nversion = "1.0.0"\nsource = { virtual = "." }\ndependencies = [{ name = "a" }]\n[[package]]\nname = "a"\nversion = "2.0"\nsource = { registry = "https://pypi.org/simple" }\nsdist = { url = "https://x/a.tar.gz", hash = "sha256:${one}" }\nwheels = [{ url = "https://x/a.whl", hash = "sha256:${two}" }]\n`,
    );
    write("requirements.txt", `# made by uv\nB.c_d[extra]==1.0+x ; python_version > "3" \\\n    --hash=sha256:${one}\n    # via lamp\n`);
    const { parsed, refs, needs } = await bill();
    expect(refs).toEqual(["file:lamp.wasm", "local:pypi/lamp@1.0.0", "pkg:pypi/a@2.0", "pkg:pypi/b-c-d@1.0%2Bx"]);
    expect(needs("local:pypi/lamp@1.0.0")).toEqual(["pkg:pypi/a@2.0"]);
    expect(parsed.components[2].properties.map(({ value }: { value: string }) => value)).toEqual([one, two]);
    expect(parsed.components[3].hashes).toEqual([{ alg: "SHA-256", content: one }]);
  });

  it.each<[string, string, RegExp]>([
    ["package-lock.json", "{", /package-lock\.json is not JSON/],
    ["package-lock.json", '{"lockfileVersion":1,"dependencies":{}}', /npm before 7/],
    ["package-lock.json", '{"lockfileVersion":3,"packages":{"node_modules/a":{"version":1}}}', /package-lock\.json, node_modules\/a/],
    ["package-lock.json", '{"lockfileVersion":3,"packages":{"__proto__":{}}}', /__proto__/],
    [
      "package-lock.json",
      '{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0","integrity":"sha512-AAAA"}}}',
      /sha512 that is none/,
    ],
    ["Cargo.lock", "[[package]]\nname = 1", /Cargo\.lock is not understood/],
    ["Cargo.lock", "[[package", /Cargo\.lock is not TOML/],
    ["go.mod", "module a\nrequire b", /go\.mod has a line that is not understood, 2/],
    ["go.mod", "module a\nreplace b", /go\.mod has a line that is not understood, 2/],
    ["uv.lock", '[[package]]\nname = "a"', /uv\.lock is not understood/],
    ["requirements.txt", "requests>=2", /requirements\.txt has a line without/],
    ["requirements.txt", "requests==2.0", /requirements\.txt has a line without/],
    ["requirements.txt", "-r other.txt", /requirements\.txt has a line without/],
  ])("is not made of a %s that says %s", async (file, content, message) => {
    write(file, content);
    await refuses(message);
  });

  it("is not made of a lock file that is no file, or too large, or of sums that are none", async () => {
    mkdirSync(join(folder.path, "uv.lock"));
    await refuses(/no plain file/);
    write("package-lock.json", " ".repeat(16 * 1_024 * 1_024 + 1));
    await expect(lockFilesOf(folder.path)).rejects.toMatchObject({ code: "quota-exceeded" });
    write("package-lock.json", '{"lockfileVersion":3,"packages":{}}');
    write("go.mod", "module a");
    write("go.sum", "what is this");
    await refuses(/go\.sum has a line/);
  });

  it("of the host has what is installed, and what it cannot do without as required", async () => {
    const { root, ...installed } = await installedPackages(ROOT);
    const text = await billOf({ ...root, files: [] }, [installed], { toolVersion: root.version });
    expect(await new JsonValidator(Version.v1dot6).validate(text)).toBeNull();
    const { components, dependencies } = JSON.parse(text);
    const { dependencies: own, peerDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const scopeOf = (name: string): unknown => components.find((one: { name: string }) => one.name === name)?.scope;
    expect(Object.keys(own).map(scopeOf)).toEqual(Object.keys(own).map(() => "required"));
    expect(scopeOf("mongodb")).toBe("optional");
    expect(scopeOf("vitest")).toBeUndefined();
    const [self] = dependencies.filter(({ ref }: { ref: string }) => ref.startsWith("plugin:bulkhead@"));
    expect(self.dependsOn).toHaveLength(Object.keys({ ...own, ...peerDependencies }).length);
    expect(components.length).toBeGreaterThan(60);
  });
});
