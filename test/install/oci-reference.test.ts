// How a plugin of an OCI registry is written, and what that means.

import { describe, expect, it } from "vitest";
import { isMeant, originOf, parseOciReference, placeText, tagOfVersion, versionOfTag } from "../../host/install/oci-reference.ts";
import { exactSpec, isLockedFor, updateSpec } from "../../host/install/package-sources.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

describe("a reference", () => {
  it("has a tag, a digest, both, a range or nothing", () => {
    const place = { scheme: "oci", registry: "ghcr.io", repository: "acme/thermostat" };
    const any = { ...place, tag: undefined, digest: undefined, range: "*" };
    expect(parseOciReference("oci://ghcr.io/acme/thermostat")).toEqual(any);
    expect(parseOciReference("oci://GHCR.io:443/acme/thermostat:1.2.0")).toEqual({ ...any, tag: "1.2.0" });
    expect(parseOciReference(`oci://ghcr.io/acme/thermostat@${DIGEST}`)).toEqual({ ...any, digest: DIGEST });
    expect(parseOciReference(`oci://ghcr.io/acme/thermostat:1.2.0@${DIGEST}`)).toEqual({ ...any, tag: "1.2.0", digest: DIGEST });
    expect(parseOciReference("oci://ghcr.io/acme/thermostat@^1.2 || 3")).toEqual({ ...any, range: "^1.2 || 3" });
    expect(placeText(parseOciReference("oci+http://registry.local:5000/a/b/c"))).toBe("oci+http://registry.local:5000/a/b/c");
  });

  it("is refused where it could mean something else, with what to write", () => {
    for (const spec of [
      "oci:ghcr.io/acme/thermostat",
      "oci://ghcr.io",
      "oci://ghcr.io/",
      "oci:///acme/thermostat",
      "oci://ghcr.io/Acme/thermostat",
      "oci://ghcr.io/acme/../thermostat",
      "oci://ghcr.io/acme//thermostat",
      "oci://ghcr.io/acme/thermostat/",
      "oci://ghcr.io/acme/thermostat:",
      "oci://ghcr.io/acme/thermostat@",
      "oci://ghcr.io/acme/thermostat:-x",
      "oci://ghcr.io/acme/thermostat:1.2.0@^1.2",
      `oci://ghcr.io/acme/thermostat@sha512:${"a".repeat(128)}`,
      "oci://ghcr.io/acme/thermostat@sha256:abc",
      "oci://user:password@ghcr.io/acme/thermostat",
      "oci://user@ghcr.io/acme/thermostat",
      "oci://ghcr.io?x=1/acme/thermostat",
      "oci://ghcr.io/acme/thermostat?x=1",
      "oci://ghcr.io/acme/thermo stat",
      "oci://ghcr.io/acme/thermostat:1\n2",
      "oci+https://ghcr.io/acme/thermostat",
      `oci://ghcr.io/${"a/".repeat(600)}a`,
      `oci://ghcr.io/${"a".repeat(256)}`,
    ])
      expect(() => parseOciReference(spec), spec).toThrow(
        expect.objectContaining({ code: "invalid-message", message: expect.stringContaining("write oci://registry/repository") }),
      );
  });

  it("shows a host that is written with letters of other alphabets as what it is", () => {
    expect(parseOciReference("oci://ghсr.io/acme/thermostat").registry).toBe("xn--ghr-5ed.io");
  });

  it("goes without TLS to this machine, and where that is written", () => {
    const originFor = (spec: string): string => originOf(parseOciReference(spec)).origin;
    expect(originFor("oci://ghcr.io/a")).toBe("https://ghcr.io");
    expect(originFor("oci://127.0.0.1:5000/a")).toBe("http://127.0.0.1:5000");
    expect(originFor("oci://[::1]:5000/a")).toBe("http://[::1]:5000");
    expect(originFor("oci://127.0.0.1.example/a")).toBe("https://127.0.0.1.example");
    expect(originFor("oci+http://registry.local:5000/a")).toBe("http://registry.local:5000");
  });

  it("means what is locked, or does not", () => {
    const source = `oci://ghcr.io/acme/thermostat:1.2.0@${DIGEST}`;
    const locked = { source, version: "1.2.0" };
    for (const spec of ["", ":1.2.0", ":latest", "@^1.0.0", `@${DIGEST}`, `:other@${DIGEST}`])
      expect(isLockedFor(`oci://ghcr.io/acme/thermostat${spec}`, locked), spec).toBe(true);
    for (const spec of [
      "oci://ghcr.io/acme/thermostat:1.2.1",
      "oci://ghcr.io/acme/thermostat@^2.0.0",
      `oci://ghcr.io/acme/thermostat@sha256:${"b".repeat(64)}`,
      "oci://ghcr.io/acme/other",
      "oci://ghcr.example/acme/thermostat",
      "oci+http://ghcr.io/acme/thermostat",
      "@acme/thermostat",
    ])
      expect(isLockedFor(spec, locked), spec).toBe(false);
    expect(isLockedFor("oci://ghcr.io/acme/thermostat", { source: "npm:thermostat@1.2.0", version: "1.2.0" })).toBe(false);
    expect(exactSpec(source)).toBe(source);
    expect(updateSpec(source)).toBe("oci://ghcr.io/acme/thermostat");
    const spec = parseOciReference(exactSpec(source));
    expect(isMeant(spec, spec, "1.2.0")).toBe(true);
  });

  it("writes a version as a tag and reads it back", () => {
    expect(tagOfVersion("1.2.0-rc.1+build.5")).toBe("1.2.0-rc.1_build.5");
    expect(versionOfTag("1.2.0-rc.1_build.5")).toBe("1.2.0-rc.1+build.5");
    for (const tag of ["latest", "v1.2.0", "1.2", "1.2.x"]) expect(versionOfTag(tag), tag).toBeUndefined();
  });
});
