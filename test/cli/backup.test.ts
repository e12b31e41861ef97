// `bulkhead backup` as people run it: a host's folder is lost, and comes back.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openHostDatabase } from "../../host/admin/database.ts";
import { fillFolder, inFolder, PASSPHRASE } from "../support/backups.ts";
import { bulkhead, type Ran } from "../support/command.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

describe("bulkhead backup", () => {
  let folder: TemporaryFolder;
  let data: string;
  beforeEach(async () => {
    folder = temporaryFolder();
    data = join(folder.path, "data");
    await fillFolder(data);
    const text = JSON.stringify({ dataDir: "data", adapters: { http: false }, drivers: { state: "memory" } });
    writeFileSync(join(folder.path, "bulkhead.json"), text);
  });
  afterEach(() => folder.remove());

  const backup = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> =>
    bulkhead(["backup", ...args], { cwd: folder.path, env, input: "" });

  it("brings back a host whose folder is lost, with its secrets", async () => {
    writeFileSync(join(folder.path, "passphrase"), `${PASSPHRASE}\n`);
    const secret = ["--with-secrets", "--passphrase-file", "passphrase"];
    const created = await backup(["create", "one.backup", ...secret]);
    expect(created).toMatchObject({ code: 0, stderr: expect.stringContaining("one.backup has") });
    for (const lacking of ["sessions", "the driver memory"]) expect(created.stderr).toContain(lacking);
    rmSync(data, { recursive: true });
    const verified = await backup(["verify", "one.backup", "--with-secrets"], { BULKHEAD_BACKUP_PASSPHRASE: PASSPHRASE });
    expect(verified).toMatchObject({ code: 0, stderr: expect.stringContaining("is whole"), stdout: expect.stringContaining("token:ci") });
    const restored = await backup(["restore", "one.backup", "--data", "data", ...secret, "--yes-to", "token:ci", "--yes-to", "secret:*"]);
    expect(restored).toMatchObject({ code: 0, stdout: expect.stringContaining("account:ada") });
    expect(restored.stdout).not.toContain("token:ci");
    expect(readFileSync(join(data, "configuration", "bulkhead.json"), "utf8")).toContain('"memory"');
    await inFolder(data, ({ tokens, secrets }) => {
      expect(tokens.list().map(({ name }) => name)).toEqual(["ci"]);
      expect(secrets.list()).toMatchObject([{ name: "KEY", opens: true }]);
    });
  });

  it("brings back nothing by itself, where nobody is at the terminal", async () => {
    expect(await backup(["create", "one.backup"])).toMatchObject({ code: 0, stderr: expect.stringContaining("secret.key") });
    const { code, stdout } = await backup(["restore", "one.backup", "--data", "new", "--json"]);
    const told = JSON.parse(stdout) as { readonly withheld: readonly { readonly item: string }[]; readonly returned: readonly string[] };
    expect([code, told.returned, told.withheld.length]).toEqual([0, [], 10]);
    expect(await backup(["restore", "one.backup", "--data", "newer", "--since", "data", "--json"])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('"withheld": []'),
    });
  });

  it("refuses what cannot be, and says what to do", async () => {
    expect(await backup(["create", "one.backup"])).toMatchObject({ code: 0 });
    const before = readFileSync(join(folder.path, "one.backup"));
    const refused = async (args: readonly string[], why: string, env: NodeJS.ProcessEnv = {}): Promise<void> => {
      const { code, stderr } = await backup(args, env);
      expect(stderr).toContain(why);
      expect(code).not.toBe(0);
    };
    await refused(["create", "one.backup"], "is there already");
    await refused(["create", "none/one.backup"], "there is no folder");
    await refused(["create", "two.backup", "--with-secrets"], "write at least 12", { BULKHEAD_BACKUP_PASSPHRASE: "short" });
    await refused(["restore", "one.backup", "--data", "data"], "is not empty");
    await refused(["restore", "one.backup", "--data", "none/data"], "there is no folder");
    await refused(["restore", "none.backup", "--data", "new"], "cannot be read");
    await refused(["restore", "bulkhead.json", "--data", "new"], "is no backup that can be used");
    await refused(["restore", "one.backup", "--data", "new", "--yes-to", "token:nobody"], "is nothing that would come back");
    await refused(["restore", "one.backup", "--data", "new", "--with-secrets"], "made without --with-secrets", {
      BULKHEAD_BACKUP_PASSPHRASE: PASSPHRASE,
    });
    const database = openHostDatabase(data);
    await refused(["create", "two.backup"], "another process works on");
    database.close();
    mkdirSync(join(folder.path, "empty"));
    expect(await backup(["restore", "one.backup", "--data", "empty"])).toMatchObject({ code: 0 });
    expect(readdirSync(folder.path).sort()).toEqual(["bulkhead.json", "data", "empty", "one.backup"]);
    expect(readFileSync(join(folder.path, "one.backup")).equals(before)).toBe(true);
    expect(existsSync(join(folder.path, "new"))).toBe(false);
  });
});
