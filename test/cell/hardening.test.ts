// What the system can hold a cell by, as it is found out: what cannot be had is said, and refused where it was asked for.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { anyCellUser, disposableUser, firstCellUser, freeCellUser, resolveHardening } from "../../host/cell/outside/hardening.ts";

const isRoot = process.getuid?.() === 0;

describe("hardening", () => {
  it("says what falls away where something is turned off", async () => {
    const { gaps, bubblewrap, users } = await resolveHardening({ bubblewrap: false, users: false });
    expect({ bubblewrap, users }).toEqual({ bubblewrap: false, users: undefined });
    if (process.platform === "linux")
      expect(gaps[0]).toMatch(/hardening.bubblewrap is false: .* reaches host.sqlite, the files of other plugins/);
    else expect(gaps[0]).toMatch(/run the host on Linux/);
    if (isRoot) expect(gaps).toContainEqual(expect.stringContaining("cells run as root"));
  });

  it("refuses users that it cannot have", async () => {
    const users = { first: 60_000, count: 100 };
    // Only root may become somebody else.
    const outcome = await resolveHardening({ users }).catch((thrown: unknown) => thrown);
    if (isRoot) expect(outcome).toMatchObject({ users });
    else expect(outcome).toMatchObject({ code: "invalid-message", message: expect.stringContaining("needs a host that runs as root") });
  });

  it("keeps the users of cells and of processes that check apart", () => {
    const users = { first: 1_000, count: 100 };
    const disposable = Array.from({ length: 200 }, () => disposableUser(users));
    expect(new Set(disposable).size).toBe(32);
    expect(Math.min(...disposable)).toBe(1_000);
    expect(Math.max(...disposable)).toBeLessThan(firstCellUser(users));
    expect(disposable[0]).not.toBe(disposable[1]);
  });

  it.skipIf(!isRoot || process.platform !== "linux")(
    `gives no user whom somebody's process has, as another host's cell may${isRoot ? "" : " (needs root)"}`,
    async () => {
      const users = { first: 61_500, count: 34 };
      const start = firstCellUser(users);
      const cell = spawn("sleep", ["60"], { uid: start });
      const reader = spawn("sleep", ["60"], { uid: users.first + 7 });
      await Promise.all([once(cell, "spawn"), once(reader, "spawn")]);
      try {
        expect(freeCellUser(users, start)).toBe(start + 1);
        for (let i = 0; i < 20; i += 1) expect(anyCellUser(users)).toBe(start + 1);
        const disposable = Array.from({ length: 100 }, () => disposableUser(users));
        expect(disposable).not.toContain(users.first + 7);
        expect(new Set(disposable).size).toBe(31);
        expect(freeCellUser({ ...users, count: 33 }, start)).toBeUndefined();
      } finally {
        cell.kill();
        reader.kill();
      }
    },
  );
});
