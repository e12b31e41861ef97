import { describe, expect, it } from "vitest";
import { HostError } from "../../host/core/errors.ts";
import { type Grant, type Permission, Permissions } from "../../host/core/permissions.ts";

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
    expect(new Permissions("p", asked, []).allows(permission, right)).toBe(false);
    expect(new Permissions("p", asked, asked).allows(permission, right)).toBe(true);
    expect(new Permissions("p", asked, asked).allows(permission, wrong)).toBe(false);
  });

  it("gives nothing that the manifest did not ask for, however wide the grant", () => {
    const permissions = new Permissions("p", [], [ask("services.call", "**")]);
    expect(permissions.allows("services.call", "logger.log")).toBe(false);
    expect(() => permissions.require("services.call", "logger.log")).toThrow(/manifest does not ask for it/);
  });

  it("implies the plugin's own prefix for publishing and for nothing else", () => {
    const permissions = new Permissions("devices", [], []);
    expect(permissions.allows("events.publish", "devices.created")).toBe(true);
    expect(permissions.allows("events.publish", "devicesx.created")).toBe(false);
    for (const other of ["events.subscribe", "services.call", "state.read", "state.write"] as const) {
      expect(permissions.allows(other, "devices.created"), other).toBe(false);
    }
  });

  it("does not mix permissions up", () => {
    const read = [ask("state.read", "**")];
    expect(new Permissions("p", read, read).allows("state.write", "a.b")).toBe(false);
  });

  it("says what is missing and how to grant it", () => {
    const permissions = new Permissions("p", [ask("services.call", "**")], []);
    try {
      permissions.require("services.call", "logger.log\u001b[2J");
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(HostError);
      expect(error).toMatchObject({ code: "permission-denied" });
      expect(String(error)).toContain("plugins.p.grants");
      expect(String(error)).not.toContain("\u001b");
    }
  });

  it("refuses malformed patterns", () => {
    expect(() => new Permissions("p", [ask("services.call", "a*")], [])).toThrow(HostError);
  });
});
