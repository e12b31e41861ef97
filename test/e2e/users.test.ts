// Accounts, as an operator sees them at the command.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bulkhead, type Ran } from "../support/command.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const PASSWORD = "correct horse battery";

describe("bulkhead user", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
    writeFileSync(join(folder.path, "bulkhead.json"), "{}");
  });
  afterEach(() => folder.remove());
  const user = (args: readonly string[], input?: string): Promise<Ran> =>
    bulkhead(["user", ...args], { cwd: folder.path, ...(input !== undefined && { input }) });

  it("makes, shows, changes and removes accounts, with passwords from standard input", async () => {
    expect(await user(["add", "ada", "--role", "operator"], `${PASSWORD}\n`)).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("ada can log in, as account:ada (operator)"),
    });
    expect((await user(["roles", "ada", "--role", "viewer", "--role", "operator"])).code).toBe(0);
    expect((await user(["passwd", "ada"], `another ${PASSWORD}\n`)).code).toBe(0);
    expect((await user(["list"])).stdout).toMatch(/account:ada +│? *viewer/);
    expect(await user(["remove", "ada"])).toMatchObject({ code: 0, stderr: expect.stringContaining("ada is removed") });
    const audit = await bulkhead(["audit", "--json"], { cwd: folder.path });
    for (const action of ["add-user", "set-user-roles", "set-password", "remove-user"]) expect(audit.stdout).toContain(action);
    expect(audit.stdout).not.toContain(PASSWORD);
  });

  it.each([
    [["add", "ada", "--role", "operator"], "short", "has 5 characters; write 12 at least"],
    [["add", "ada", "--role", "operator"], "", "has 0 characters"],
    [["add", "ada", "--role", "king"], PASSWORD, '"king" is no role; there are viewer, operator, admin'],
    [["add", "ada"], PASSWORD, "name at least one role"],
    [["add", "Ada Lovelace", "--role", "viewer"], PASSWORD, "lower-case letters"],
    [["passwd", "bob"], PASSWORD, "there is no account bob"],
    [["remove", "bob"], undefined, "there is no account bob"],
    [["logout", "account:bob"], undefined, "account:bob has no session"],
  ] as const)("refuses %j with standard input %j", async (args, input, words) => {
    const { code, stderr } = await user(args, input);
    expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
  });
});
