// Whose plugins come in, with a real host and real packages: keys that names are known by, policies, lists of revocations, and what became of others once, played
// again with harmless packages.

import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AuditEntry } from "../../host/admin/audit.ts";
import type { PlanAnswer, UpdateOutcome } from "../../host/admin/installer.ts";
import type { RefreshOutcome, TrustStatus } from "../../host/admin/trust-operations.ts";
import { type Control, openControl } from "../../host/cli/control.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { readLock } from "../../host/install/lock.ts";
import { filesOf } from "../../host/install/package-files.ts";
import { contentsOf, SIGNATURE_FILE } from "../../host/trust/contents.ts";
import { appendToLog, noteKeyText } from "../../host/trust/log/appending.ts";
import { verifySignatures } from "../../host/trust/signatures.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";
import { signedDocument, signFolder, type TestKey, testKey } from "../support/publishers.ts";

const MODULE = '(module (func (export "go") (result i32) (i32.const 0)))';
const READS = { permission: "state.read", resource: "devices.*", reason: "to look" };
const FETCHES = { permission: "http.fetch", resource: "POST https://collector.example.com", reason: "to get better" };
const DAY_MS = 86_400_000;
const inDays = (days: number): string => new Date(Date.now() + days * DAY_MS).toISOString();

describe("trust", () => {
  let folder: TemporaryFolder;
  let host: RunningHost | undefined;
  let control: Control;
  let trust: object = {};
  const [acme, acme2, thief, root1, root2, root3] = Array.from({ length: 6 }, () => testKey()) as [
    TestKey,
    TestKey,
    TestKey,
    TestKey,
    TestKey,
    TestKey,
  ];
  const log = memoryLog();

  const configuration = () =>
    parseConfiguration(JSON.stringify({ adapters: { http: false }, drainMs: 200, trust }), join(folder.path, "bulkhead.json"));
  const boot = async (): Promise<void> => {
    const lock = await readLock(join(folder.path, "bulkhead.lock"));
    host = await createHost({ configuration: configuration(), log, lock });
    control = await openControl(configuration());
  };
  const stop = async (): Promise<void> => {
    await control[Symbol.asyncDispose]();
    await host?.stop();
    host = undefined;
  };
  const reboot = async (next: object): Promise<void> => {
    trust = next;
    await stop();
    await boot();
  };
  /** A folder with this version of a plugin, signed by these keys. */
  const plugin = async (version: string, { manifest = {}, name = "lamp", keys = [] as readonly TestKey[] } = {}): Promise<string> => {
    const made = await writePlugin(join(folder.path, `${name}-${version}-${Math.random()}`), name, MODULE, {
      ...{ version, api: "0.2", services: { [`${name}.go`]: { entryPoint: "go" } } },
      ...manifest,
    });
    return keys.length === 0 ? made : signFolder(made, ...keys);
  };
  const plan = (path: string): Promise<PlanAnswer> => control.invoke("plan", { spec: path });
  const packageOf = ({ package: id, source, integrity, wasmSha256 }: PlanAnswer) => ({ package: id, source, integrity, wasmSha256 });
  const install = async (path: string, accepted: readonly string[] = []): Promise<PlanAnswer> => {
    const planned = await plan(path);
    await control.invoke("install", { ...packageOf(planned), grants: [], settings: {}, accepted });
    return planned;
  };
  const update = async (path: string, accepted: readonly string[] = []): Promise<UpdateOutcome> =>
    control.invoke("update", { ...packageOf(await plan(path)), grants: [], settings: {}, approved: true, accepted });
  const rulesOf = ({ trust: { findings } }: PlanAnswer): string[] => findings.map(({ rule, verdict }) => `${rule} ${verdict}`);
  const audit = async (action: string): Promise<AuditEntry[]> =>
    (await control.invoke<AuditEntry[]>("audit", {})).filter((entry) => entry.action === action);
  const refusal = (rule: string) => ({ code: "admission-refused", detail: expect.stringContaining(`(${rule})`) });
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder.path, name), text);
    return name;
  };

  beforeEach(async () => {
    folder = temporaryFolder();
    trust = {};
    await boot();
  });
  afterEach(async () => {
    await stop();
    folder.remove();
  });

  describe("in a key that was seen first", () => {
    it("lets in what nobody has signed, and says so; not where the operator requires it", async () => {
      const unsigned = await plugin("1.0.0");
      expect(rulesOf(await plan(unsigned))).toEqual(["unsigned told"]);
      await reboot({ mode: "require" });
      const planned = await plan(unsigned);
      expect(planned.refusals).toEqual(["nobody has signed it, and trust.mode is require (unsigned)"]);
      await reboot({ mode: "off" });
      expect(rulesOf(await plan(unsigned))).toEqual([]);
    });

    it("keeps the key of a name, over an uninstall too, and takes another only by the command that it names", async () => {
      const planned = await install(await plugin("1.0.0", { keys: [acme] }));
      expect(rulesOf(planned)).toEqual(["first-use told"]);
      expect(planned.trust.signers.map(({ keyid, since }) => [keyid, since])).toEqual([[acme.keyid, undefined]]);
      expect((await audit("install"))[0]?.detail).toMatchObject({ signers: [acme.keyid], contentSha256: planned.trust.contentSha256 });
      expect(await control.invoke("info", { plugin: "lamp" })).toMatchObject({
        signers: [{ keyid: acme.keyid, since: expect.any(String) }],
      });
      expect(await update(await plugin("1.1.0", { keys: [acme] }))).toMatchObject({ state: "updated" });

      const other = await plugin("1.2.0", { keys: [thief] });
      const refused = await plan(other);
      expect(refused.refusals).toEqual([expect.stringContaining(`bulkhead trust accept lamp ${thief.keyid}`)]);
      await expect(update(other)).rejects.toMatchObject({ code: "invalid-manifest" });
      await control.invoke("uninstall", { plugin: "lamp", purge: true });
      await expect(install(other)).rejects.toThrow();
      expect((await plan(await plugin("1.3.0"))).refusals).toEqual([expect.stringContaining("(signature-missing)")]);

      await control.invoke("trust-accept", { plugin: "lamp", keyid: thief.keyid });
      await install(other);
      expect((await audit("accept-key"))[0]).toMatchObject({ subject: "lamp", detail: { keyid: thief.keyid, before: [acme.keyid] } });
      expect((await plan(await plugin("1.4.0", { keys: [acme] }))).refusals).toEqual([expect.stringContaining("(signer-changed)")]);
    });

    it("takes a next key from who signs with the former one too, and no key that it has not seen", async () => {
      await install(await plugin("1.0.0", { keys: [acme] }));
      expect(rulesOf(await plan(await plugin("1.1.0", { keys: [acme, acme2] })))).toEqual([]);
      const never = testKey().keyid;
      await expect(control.invoke("trust-accept", { plugin: "lamp", keyid: never })).rejects.toMatchObject({ code: "invalid-message" });
      await control.invoke("trust-forget", { plugin: "lamp" });
      expect(rulesOf(await plan(await plugin("1.2.0", { keys: [acme2] })))).toEqual(["first-use told"]);
    });

    it("is moved by nobody who signs beside the key, plans the same content otherwise, or by what the lock had before", async () => {
      await install(await plugin("1.0.0", { keys: [acme] }));
      // The same content, re-signed by the thief alone, and beside the key: refused the one, and let in the other.
      expect((await plan(await plugin("1.0.0", { keys: [thief] }))).refusals).toHaveLength(1);
      const lockOf = async () => (await control.invoke<Record<string, { signers?: string[] }>>("lock")).lamp?.signers;
      expect(await lockOf()).toEqual([acme.keyid]);
      expect(await control.invoke("info", { plugin: "lamp" })).toMatchObject({ signers: [{ keyid: acme.keyid }] });
      expect(await update(await plugin("1.1.0", { keys: [acme, thief] }))).toMatchObject({ state: "updated" });
      expect(await lockOf()).toEqual([acme.keyid]);
      await control.invoke("lock").then((lock) => write("bulkhead.lock", JSON.stringify({ lockfileVersion: 1, plugins: lock })));
      await reboot(trust);
      expect((await plan(await plugin("1.2.0", { keys: [thief] }))).refusals).toEqual([expect.stringContaining("(signer-changed)")]);
      // Once another key is taken, the former one is none any more, whatever the lock says.
      await plan(await plugin("1.3.0", { keys: [acme2] }));
      await control.invoke("trust-accept", { plugin: "lamp", keyid: acme2.keyid });
      expect((await plan(await plugin("1.4.0", { keys: [acme] }))).refusals).toEqual([expect.stringContaining("(signer-changed)")]);
      expect(await update(await plugin("1.5.0", { keys: [acme2] }))).toMatchObject({ state: "updated" });
      await expect(control.invoke("rollback", { plugin: "lamp" })).rejects.toMatchObject(refusal("signer-changed"));
    });

    it("refuses a package that is not what was signed, also where nothing is required", async () => {
      const signed = await plugin("1.0.0", { keys: [acme] });
      writeFileSync(join(signed, "README.md"), "another one");
      const planned = await plan(signed);
      expect(planned.refusals[0]).toMatch(/README\.md was not there.*\(bad-signature\)$/);
      expect(planned.trust.signers).toEqual([]);
      // Nothing that is refused is kept.
      expect(existsSync(join(folder.path, "data", "packages", planned.package))).toBe(false);
    });
  });

  describe("in what the operator says", () => {
    it("goes before what was seen and before a policy", async () => {
      await install(await plugin("1.0.0", { keys: [thief] }));
      await reboot({ keys: { acme: { publicKey: acme.text, plugins: ["la*"] } } });
      expect((await plan(await plugin("1.1.0", { keys: [thief] }))).refusals).toEqual([expect.stringContaining("(not-a-publisher)")]);
      const planned = await plan(await plugin("1.1.0", { keys: [acme] }));
      expect(planned.refusals).toEqual([]);
      expect(planned.trust.signers).toMatchObject([{ publisher: "acme" }]);
      expect((await plan(await plugin("1.1.0"))).refusals).toEqual([expect.stringContaining("(signature-missing)")]);
    });
  });

  describe("in a policy", () => {
    const publishers = (more: object = {}) => [{ name: "Acme", plugins: ["lamp", "acme-*"], keys: [acme.text, acme2.text], ...more }];
    const policy = (version: number, more: object = {}, ...keys: TestKey[]): void => {
      const says = { version, expires: inDays(30), publishers: publishers(), unlisted: "refuse", ...more };
      write("policy.json", signedDocument("trust-policy", says, ...(keys.length === 0 ? [root1, root2] : keys)));
    };
    const from = (more: object = {}) => ({
      policy: { from: "policy.json", keys: [root1.text, root2.text, root3.text], threshold: 2 },
      ...more,
    });
    const refresh = async (): Promise<string | undefined> => (await control.invoke<RefreshOutcome>("trust-refresh")).documents[0]?.problem;

    it("says who may publish what, and that nobody else may", async () => {
      policy(1);
      await reboot(from());
      expect(rulesOf(await plan(await plugin("1.0.0", { keys: [acme] })))).toEqual([]);
      expect(rulesOf(await plan(await plugin("1.0.0", { keys: [thief] })))).toEqual(["not-a-publisher refused"]);
      expect(rulesOf(await plan(await plugin("1.0.0")))).toEqual(["signature-missing refused"]);
      expect(rulesOf(await plan(await plugin("1.0.0", { name: "other", keys: [acme] })))).toEqual(["unlisted refused"]);
      expect((await control.invoke<TrustStatus>("trust")).documents).toMatchObject([{ version: 1, freshness: "fresh" }]);
    });

    it("makes the names of its publishers known, so that those that look like them are told", async () => {
      policy(1, { unlisted: "first-use" });
      await reboot(from());
      expect(rulesOf(await plan(await plugin("1.0.0", { name: "iamp", keys: [thief] })))).toContain("look-alike consent");
      expect(rulesOf(await plan(await plugin("1.0.0", { name: "kettle", keys: [thief] })))).toEqual(["first-use told"]);
    });

    it("wants the publisher's second key for a version that asks for more", async () => {
      policy(1, { publishers: publishers({ toWiden: 2 }) });
      await reboot(from());
      await install(await plugin("1.0.0", { keys: [acme] }));
      const wider = { manifest: { permissions: [READS] } };
      expect(rulesOf(await plan(await plugin("1.1.0", { keys: [acme] })))).toEqual([]);
      expect(rulesOf(await plan(await plugin("1.1.0", { keys: [acme], ...wider })))).toEqual(["second-key refused"]);
      expect(rulesOf(await plan(await plugin("1.1.0", { keys: [acme, thief], ...wider })))).toEqual(["second-key refused"]);
      expect(rulesOf(await plan(await plugin("1.1.0", { keys: [acme, acme2], ...wider })))).toEqual([]);
    });

    it("is refused with too few signatures, one key twice, and keys that are none of its roots", async () => {
      policy(1, {}, root1);
      await reboot(from());
      expect(await refresh()).toMatch(/signed by 1 of the 3 keys that may, each counted once; 2 are needed/);
      const envelope = JSON.parse(signedDocument("trust-policy", { version: 1, expires: inDays(1), publishers: [] }, root1));
      write("policy.json", JSON.stringify({ ...envelope, signatures: [...envelope.signatures, ...envelope.signatures] }));
      expect(await refresh()).toMatch(/signed by 1 of the 3/);
      policy(1, {}, root1, thief);
      expect(await refresh()).toMatch(/signed by 1 of the 3/);
      // Without any policy nothing new comes in: nobody knows what it would say.
      expect(rulesOf(await plan(await plugin("1.0.0", { keys: [acme] })))).toContain("list-stale refused");
    });

    it("never goes back to an earlier version, and is not two of one, which the audit tells", async () => {
      policy(5);
      await reboot(from());
      expect(await refresh()).toBeUndefined();
      policy(4, { unlisted: "first-use" });
      expect(await refresh()).toMatch(/is version 4; 5 was here already, and versions never go back/);
      policy(5, { unlisted: "first-use" });
      expect(await refresh()).toMatch(/another version 5 than the one that is here/);
      expect(rulesOf(await plan(await plugin("1.0.0", { name: "other", keys: [acme] })))).toEqual(["unlisted refused"]);
      expect((await audit("trust-refused")).length).toBeGreaterThanOrEqual(2);
      rmSync(join(folder.path, "policy.json"));
      expect(await refresh()).toBeDefined();
      expect(rulesOf(await plan(await plugin("1.0.0", { keys: [acme] })))).toEqual([]);
    });

    it("that has expired is told of, then lets nothing new in, and stops nothing", async () => {
      policy(1, { expires: inDays(-1) });
      await reboot(from());
      expect(rulesOf(await install(await plugin("1.0.0", { keys: [acme] })))).toEqual(["list-late told"]);
      await reboot(from({ grace: "1h" }));
      expect(host?.core.plugin("lamp")?.state).toBe("running");
      const late = await plugin("1.1.0", { keys: [acme] });
      expect(rulesOf(await plan(late))).toEqual(["list-stale refused"]);
      await expect(install(await plugin("1.0.0", { name: "acme-lamp", keys: [acme] }))).rejects.toThrow();
    });

    it("names the next root, which the present one and the next sign together", async () => {
      const next = testKey();
      policy(1);
      await reboot(from());
      policy(2, { root: { keys: [next.text], threshold: 1 } }, root1, root2);
      expect(await refresh()).toMatch(/the root that .* names is signed by 0/);
      policy(2, { root: { keys: [next.text], threshold: 1 } }, root1, root2, next);
      expect(await refresh()).toBeUndefined();
      policy(3, {}, root1, root2);
      expect(await refresh()).toMatch(/signed by 0 of the 1 keys/);
      policy(3, {}, next);
      expect(await refresh()).toMatch(/names no root, and version 2 does/);
      policy(3, { root: { keys: [next.text], threshold: 1 } }, next);
      expect(await refresh()).toBeUndefined();
    });

    it("is no list of revocations, and none is a policy", async () => {
      write("policy.json", signedDocument("revocations", { version: 1, expires: inDays(1) }, root1, root2));
      await reboot(from());
      expect(await refresh()).toMatch(/is of the type application\/vnd\.bulkhead\.revocations\+json/);
    });
  });

  describe("in what was revoked", () => {
    const revoke = (version: number, says: object, ...keys: TestKey[]): void => {
      write(
        "revoked.json",
        signedDocument("revocations", { version, expires: inDays(30), ...says }, ...(keys.length === 0 ? [root1] : keys)),
      );
    };
    const from = (more: object = {}) => ({ revocations: [{ from: "revoked.json", keys: [root1.text] }], ...more });

    it("stops a version everywhere by one signed entry, refuses it, and takes it back only by the list", async () => {
      revoke(1, {});
      await reboot(from());
      await install(await plugin("1.0.0", { keys: [acme] }));
      revoke(2, { plugins: [{ plugin: "lamp", versions: "<1.1.0", reason: "it mines" }] });
      const { stopped } = await control.invoke<RefreshOutcome>("trust-refresh");
      expect(stopped).toEqual(["lamp"]);
      expect(host?.core.plugin("lamp")?.state).not.toBe("running");
      expect((await audit("revoked"))[0]).toMatchObject({ subject: "lamp", detail: { version: "1.0.0", reason: "it mines" } });
      await expect(control.invoke("start", { plugin: "lamp" })).rejects.toMatchObject({
        code: "conflict",
        message: expect.stringContaining("it mines"),
      });
      await reboot(from());
      expect(host?.core.plugin("lamp")).toBeUndefined();
      await expect(control.invoke("unblock", { plugin: "lamp", range: "1.0.0" })).rejects.toMatchObject({ code: "invalid-message" });
      expect(rulesOf(await plan(await plugin("1.0.5", { keys: [acme] })))).toContain("revoked-version refused");
      expect(await update(await plugin("1.1.0", { keys: [acme] }))).toMatchObject({ state: "updated" });
    });

    it("stops a digest under whatever name, and what a stolen key has signed; not what was here before it was stolen", async () => {
      revoke(1, {});
      await reboot(from());
      const { wasmSha256 } = await install(await plugin("1.0.0", { keys: [acme] }));
      revoke(2, { digests: [{ sha256: wasmSha256, reason: "a worm" }] });
      expect((await control.invoke<RefreshOutcome>("trust-refresh")).stopped).toEqual(["lamp"]);
      expect(rulesOf(await plan(await plugin("9.0.0", { name: "torch" })))).toContain("revoked-digest refused");
      revoke(3, { keys: [{ keyid: acme.keyid, reason: "stolen", since: inDays(1) }] });
      expect((await control.invoke<RefreshOutcome>("trust-refresh")).stopped).toEqual([]);
      await control.invoke("start", { plugin: "lamp" });
      expect(rulesOf(await plan(await plugin("1.1.0", { keys: [acme, acme2] })))).toContain("revoked-key refused");
      revoke(4, { keys: [{ keyid: acme.keyid, reason: "stolen", since: inDays(-1) }] });
      expect((await control.invoke<RefreshOutcome>("trust-refresh")).stopped).toEqual(["lamp"]);
    });

    it("is not undone by a list that cannot be read, by the same content without its signature, or by who signs beside", async () => {
      revoke(1, {});
      await reboot(from());
      await install(await plugin("1.0.0", { keys: [acme] }));
      await install(await plugin("1.0.0", { name: "torch", keys: [acme2] }));
      revoke(2, {
        keys: [
          { keyid: acme.keyid, reason: "stolen" },
          { keyid: thief.keyid, reason: "a thief's" },
        ],
      });
      expect((await control.invoke<RefreshOutcome>("trust-refresh")).stopped).toEqual(["lamp"]);
      // A thief's signature beside a good one, and none at all, say nothing of what is here.
      await plan(await plugin("1.0.0", { name: "torch", keys: [acme2, thief] }));
      await plan(await plugin("1.0.0"));
      expect((await control.invoke<RefreshOutcome>("trust-refresh")).stopped).toEqual([]);
      expect(host?.core.plugin("torch")?.state).toBe("running");
      await expect(control.invoke("start", { plugin: "lamp" })).rejects.toMatchObject({ message: expect.stringContaining("stolen") });
      // Another key of the list's keepers: until a list that it has signed comes, what was withdrawn stays so.
      await reboot({ revocations: [{ from: "revoked.json", keys: [root1.text, root2.text], threshold: 2 }] });
      await control.invoke("trust-refresh");
      expect(host?.core.plugin("lamp")).toBeUndefined();
      await expect(control.invoke("start", { plugin: "lamp" })).rejects.toMatchObject({ message: expect.stringContaining("stolen") });
      await reboot({});
      expect(host?.core.plugin("lamp")?.state).toBe("running");
    });

    it("judges what comes in the place of a version that was left out as any update", async () => {
      revoke(1, {});
      const publishers = { keys: { acme: { publicKey: acme.text, plugins: ["lamp"] } } };
      await reboot(from(publishers));
      await install(await plugin("2.0.0", { keys: [acme] }));
      revoke(2, { plugins: [{ plugin: "lamp", versions: "2.0.0", reason: "it mines" }] });
      await control.invoke("trust-refresh");
      await reboot(from(publishers));
      expect(host?.core.plugin("lamp")).toBeUndefined();
      expect(rulesOf(await plan(await plugin("1.0.0", { keys: [acme] })))).toEqual(["older-version consent"]);
      await install(await plugin("1.0.0", { name: "helper" }));
      const needy = { keys: [acme], manifest: { dependencies: { helper: "^1.0.0" } } };
      expect(rulesOf(await plan(await plugin("2.1.0", needy)))).toEqual(["new-dependency consent"]);
    });

    it("comes by itself while the host runs", async () => {
      revoke(1, {});
      await reboot(from());
      await install(await plugin("1.0.0"));
      revoke(2, { plugins: [{ plugin: "lamp", versions: "*", reason: "it mines" }] });
      // At its start the host looks without being told.
      await stop();
      trust = from({ refresh: "1m" });
      await boot();
      await expect.poll(() => host?.core.plugin("lamp")?.state ?? "gone").not.toBe("running");
    });

    it("is not believed of somebody else", async () => {
      revoke(1, { plugins: [{ plugin: "lamp", versions: "*", reason: "competition" }] }, thief);
      await reboot(from());
      await control.invoke("trust-refresh");
      expect((await control.invoke<TrustStatus>("trust")).documents).toMatchObject([{ freshness: "stale" }]);
      expect(rulesOf(await plan(await plugin("1.0.0")))).toContain("list-stale refused");
    });

    it("holds also where nobody looks at signatures", async () => {
      revoke(1, { plugins: [{ plugin: "lamp", versions: "*", reason: "it mines" }] });
      await reboot(from({ mode: "off" }));
      expect(rulesOf(await plan(await plugin("1.0.0")))).toEqual(["revoked-version refused"]);
    });
  });

  describe("in a transparency log", () => {
    const keeper = testKey();
    const signer = { name: "example.org/log", key: keeper.key };
    const from = () => ({ log: { from: "log", key: noteKeyText(signer) } });
    const log = async (path: string, at = "log"): Promise<void> => {
      const { manifest, wasm, files } = await filesOf(path);
      const release = { manifest, wasm, contents: contentsOf(files) };
      const entries = verifySignatures(release, String(files.get(SIGNATURE_FILE) && Buffer.from(files.get(SIGNATURE_FILE) ?? "")));
      await appendToLog(
        join(folder.path, at),
        entries.map(({ keyid, statementSha256: statement }) => ({ plugin: manifest.name, version: manifest.version, statement, keyid })),
        signer,
      );
    };

    it("takes what stands in it, and nothing else that is signed", async () => {
      const [logged, other] = [await plugin("1.0.0", { keys: [acme] }), await plugin("1.1.0", { keys: [acme] })];
      await log(logged);
      await reboot(from());
      expect(rulesOf(await install(logged))).toEqual(["first-use told"]);
      expect(rulesOf(await plan(other))).toEqual(["not-logged refused"]);
      // What was found when it came holds also for whoever says that it was planned.
      await expect(update(other)).rejects.toThrow();
      await log(other);
      expect(await update(other)).toMatchObject({ state: "updated" });
    });

    it("is noticed when it contradicts what was seen of it, which the audit tells; when it is behind; and when it is not there", async () => {
      const [one, two, three] = [
        await plugin("1.0.0", { keys: [acme] }),
        await plugin("1.1.0", { keys: [acme] }),
        await plugin("1.2.0", { keys: [acme] }),
      ];
      await log(one);
      await log(two);
      await log(one, "behind");
      await log(two, "forked");
      await log(one, "forked");
      await reboot(from());
      await install(one);
      await reboot({ log: { from: "forked", key: noteKeyText(signer) } });
      expect(rulesOf(await plan(two))).toEqual(["log-contradicts refused"]);
      expect((await audit("log-contradicts"))[0]).toMatchObject({ subject: "example.org/log", actor: "host" });
      expect(host?.core.plugin("lamp")?.state).toBe("running");
      await reboot({ log: { from: "behind", key: noteKeyText(signer) } });
      expect(rulesOf(await plan(two))).toEqual(["log-lags refused"]);
      await reboot({ log: { from: "nowhere", key: noteKeyText(signer) } });
      expect(rulesOf(await plan(three))).toEqual(["log-unsigned refused"]);
      await reboot({ log: { from: "http://127.0.0.1:1/", key: noteKeyText(signer) } });
      expect(rulesOf(await plan(three))).toEqual(["log-away refused"]);
      await reboot({ log: { from: "log", key: noteKeyText({ name: "example.org/log", key: thief.key }) } });
      expect(rulesOf(await plan(two))).toEqual(["log-unsigned refused"]);
    });
  });

  describe("after what happened to others", () => {
    it("Open VSX: a payload that comes by a new dependency of an update waits until somebody accepts just that", async () => {
      await install(await plugin("1.0.0", { keys: [acme] }));
      await install(await plugin("1.0.0", { name: "helper" }));
      const next = await plugin("1.1.0", { keys: [acme], manifest: { dependencies: { helper: "^1.0.0" } } });
      expect(await update(next)).toMatchObject({ state: "waits for approval", unaccepted: [{ rule: "new-dependency" }] });
      expect(host?.core.plugin("lamp")?.definition.version).toBe("1.0.0");
      expect(await update(next, ["look-alike"])).toMatchObject({ state: "waits for approval" });
      expect(await update(next, ["new-dependency"])).toMatchObject({ state: "updated" });
    });

    it("VS Code and Chrome: who has stolen the account, and not the key, replaces nothing", async () => {
      await install(await plugin("1.0.0", { keys: [acme] }));
      for (const stolen of [await plugin("1.1.0"), await plugin("1.1.0", { keys: [thief] })]) {
        expect((await plan(stolen)).refusals).toHaveLength(1);
        await expect(update(stolen)).rejects.toThrow();
      }
      expect(host?.core.plugin("lamp")?.definition.version).toBe("1.0.0");
    });

    it("JetBrains: a plugin with a plausible purpose that is told a key and talks to the world says so, and has to be accepted", async () => {
      const assistant = {
        name: "assistant",
        manifest: {
          permissions: [FETCHES],
          config: { type: "object", properties: { apiKey: { type: "string", default: "" } } },
        },
      };
      const path = await plugin("1.0.0", assistant);
      const planned = await plan(path);
      expect(rulesOf(planned)).toEqual(["could-send-away consent", "unsigned told"]);
      expect(planned.trust.findings[0]?.message).toMatch(/is told the setting apiKey, and talks to POST https:\/\/collector\.example\.com/);
      await expect(install(path)).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("--accept could-send-away") });
      await install(path, ["could-send-away"]);
    });

    it("ClawHub: hundreds of names that look like a known one are told, and come in by name only", async () => {
      await install(await plugin("1.0.0", { name: "devices" }));
      for (const name of ["dev1ces", "device", "devicess", "deivces", "d-evices"]) {
        const planned = await plan(await plugin("1.0.0", { name }));
        expect(rulesOf(planned)[0], name).toBe("look-alike consent");
      }
      expect(rulesOf(await plan(await plugin("1.0.0", { name: "thermostat" })))).toEqual(["unsigned told"]);
      await expect(plan(await plugin("1.0.0", { name: "devi\u0441es" }))).rejects.toMatchObject({
        detail: expect.stringContaining("U+0441"),
      });
    });

    it("an old version, or a mirror that lags, is told and has to be accepted", async () => {
      await install(await plugin("2.0.0", { keys: [acme] }));
      const old = await plugin("1.0.0", { keys: [acme] });
      expect(rulesOf(await plan(old))).toEqual(["older-version consent"]);
      expect(await update(old)).toMatchObject({ state: "waits for approval", unaccepted: [{ rule: "older-version" }] });
      expect(await update(old, ["older-version"])).toMatchObject({ state: "updated" });
    });
  });

  it("writes into the lock who has signed", async () => {
    await install(await plugin("1.0.0", { keys: [acme] }));
    const lock = await control.invoke<Record<string, { signers?: string[] }>>("lock");
    expect(lock.lamp?.signers).toEqual([acme.keyid]);
  });
});
