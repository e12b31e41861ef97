import { describe, expect, it } from "vitest";
import { HostError } from "../../host/core/errors.ts";
import { Permissions } from "../../host/core/permissions.ts";
import type { Grant, Permission } from "../../host/core/types.ts";
import { PERMISSION_PORTS } from "../support/host-ports.ts";

const permissionsOf = (plugin: string, requested: readonly Grant[], granted: readonly Grant[]): Permissions =>
  new Permissions(plugin, requested, granted, PERMISSION_PORTS);
const deny = (permission: Permission, resource: string): Grant => ({ permission, resource, effect: "deny" });
const ask = (permission: Permission, resource: string): Grant => ({ permission, resource });

describe("permissions", () => {
  it.each<[Permission, string, string, string]>([
    ["services.call", "logger.log", "logger.log", "logger.query"],
    ["events.subscribe", "devices.*", "devices.created", "devices.a.b"],
    ["events.publish", "alarms.**", "alarms.fire.kitchen", "devices.created"],
    ["state.read", "devices.*", "devices.lamp", "users.anna"],
    ["state.write", "lamp", "lamp", "lamp2"],
  ])("%s on %s: denied without, given with, denied beside the grant", (permission, resource, right, wrong) => {
    const asked = [ask(permission, resource)];
    expect(permissionsOf("p", asked, []).allows(permission, right)).toBe(false);
    expect(permissionsOf("p", asked, asked).allows(permission, right)).toBe(true);
    expect(permissionsOf("p", asked, asked).allows(permission, wrong)).toBe(false);
  });

  it("gives nothing that the manifest did not ask for, however wide the grant", () => {
    const permissions = permissionsOf("p", [], [ask("services.call", "**")]);
    expect(permissions.allows("services.call", "logger.log")).toBe(false);
    expect(() => permissions.require("services.call", "logger.log")).toThrow(/manifest does not ask for it/);
  });

  it("implies the plugin's own prefix for publishing and for nothing else", () => {
    const permissions = permissionsOf("devices", [], []);
    expect(permissions.allows("events.publish", "devices.created")).toBe(true);
    expect(permissions.allows("events.publish", "devicesx.created")).toBe(false);
    for (const other of ["events.subscribe", "services.call", "state.read", "state.write"] as const) {
      expect(permissions.allows(other, "devices.created"), other).toBe(false);
    }
  });

  it("lets a denial win over any grant, and over what a name implies", () => {
    const asked = [ask("services.call", "**")];
    const permissions = permissionsOf("p", asked, [...asked, deny("services.call", "bank.*"), deny("events.publish", "p.secret")]);
    expect(permissions.allows("services.call", "logger.log")).toBe(true);
    expect(permissions.allows("services.call", "bank.pay")).toBe(false);
    expect(permissions.allows("events.publish", "p.secret")).toBe(false);
    expect(permissions.allows("events.publish", "p.other")).toBe(true);
    expect(() => permissions.require("services.call", "bank.pay")).toThrow(/the operator denied it/);
  });

  it("goes by new grants from the next check on, and by the old ones when the new are malformed", () => {
    const asked = [ask("services.call", "**")];
    const permissions = permissionsOf("p", asked, []);
    permissions.replaceGrants(asked);
    expect(permissions.allows("services.call", "a.b")).toBe(true);
    expect(() => permissions.replaceGrants([ask("services.call", "a..b")])).toThrow(/no pattern/);
    expect(permissions.allows("services.call", "a.b")).toBe(true);
    permissions.replaceGrants([]);
    expect(permissions.allows("services.call", "a.b")).toBe(false);
  });

  it("ends guarded work once what it needs is gone, and leaves other work alone", async () => {
    const asked = [ask("services.call", "**")];
    const permissions = permissionsOf("p", asked, [ask("services.call", "a.*"), ask("services.call", "b.*")]);
    const work = (resource: string, settled = new Promise<string>(() => {})) =>
      permissions.guard(settled, () => permissions.require("services.call", resource));
    const a = work("a.x");
    const b = Promise.withResolvers<string>();
    const guardedB = work("b.x", b.promise);
    permissions.replaceGrants([ask("services.call", "b.*")]);
    await expect(a).rejects.toMatchObject({ code: "permission-denied" });
    b.resolve("done");
    expect(await guardedB).toBe("done");
  });

  it("tells of every check", () => {
    const checks: string[] = [];
    const asked = [ask("services.call", "a.*")];
    const permissions = new Permissions("p", asked, asked, {
      ...PERMISSION_PORTS,
      onCheck: ({ plugin, permission, resource, verdict, by }) =>
        checks.push(`${plugin} ${permission} ${resource} ${verdict} by ${by.map(({ grant }) => grant.resource).join()}`),
    });
    permissions.allows("services.call", "a.b");
    permissions.allows("services.call", "b.b");
    expect(checks).toEqual(["p services.call a.b allowed by a.*", "p services.call b.b not-requested by "]);
  });

  it("does not mix permissions up", () => {
    const read = [ask("state.read", "**")];
    expect(permissionsOf("p", read, read).allows("state.write", "a.b")).toBe(false);
  });

  it("says what is missing and how to grant it", () => {
    const permissions = permissionsOf("p", [ask("services.call", "**")], []);
    try {
      permissions.require("services.call", "logger.log\u001b[2J");
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(HostError);
      expect(error).toMatchObject({ code: "permission-denied" });
      expect(String(error)).toContain("bulkhead grant p services.call");
      expect(String(error)).not.toContain("\u001b");
    }
  });

  it("refuses malformed patterns", () => {
    expect(() => permissionsOf("p", [ask("services.call", "a*")], [])).toThrow(HostError);
  });
});
