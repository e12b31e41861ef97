// What other systems than Linux lack is said, and who is not run there; decided for each system, whatever runs this test.

import { afterEach, describe, expect, it } from "vitest";
import { resolveHardening } from "../../host/cell/outside/hardening.ts";
import { lacksOf } from "../../host/cell/outside/platform.ts";
import { pluginSources } from "../../host/lifecycle/sources.ts";
import { refuseStranger } from "../../host/lifecycle/strangers.ts";
import { parseConfiguration } from "../../host/manifest/configuration.ts";

const configuration = parseConfiguration(
  JSON.stringify({ plugins: { mine: { path: "plugins/mine" }, theirs: { source: "npm:theirs@1.0.0" } } }),
  "/c/bulkhead.json",
);
const outcomeOf = (name: string, isolation: "process" | "thread" | "inline", platform: NodeJS.Platform): unknown => {
  try {
    refuseStranger(name, { isolation }, { ...configuration, hardening: { acceptVulnerableNode: true } }, platform);
    return "runs";
  } catch (thrown) {
    return thrown;
  }
};

describe("a system", () => {
  it("that is Linux lacks nothing for good", () => {
    expect(lacksOf("linux")).toEqual([]);
  });

  it.each<NodeJS.Platform>(["darwin", "freebsd"])("that is %s says what falls away, each with what to do", (platform) => {
    const lacks = lacksOf(platform);
    expect(lacks).toHaveLength(2);
    expect(lacks[0]).toMatch(
      new RegExp(`^this is not Linux \\(${platform}\\): .* reaches host.sqlite, the files of other plugins, the network`),
    );
    for (const lack of lacks) expect(lack).toMatch(/; run the host on Linux$/);
  });

  it("that is Windows says in one line what it cannot hold", () => {
    expect(lacksOf("win32")).toEqual([
      expect.stringMatching(/^Windows holds no cell .* plugins that come from elsewhere are refused: run the host on Linux$/),
    ]);
    expect(lacksOf("win32")[0]).not.toContain("\n");
  });
});

describe("a plugin that comes from elsewhere", () => {
  it.each(["process", "thread", "inline"] as const)("is refused on Windows, whatever is accepted besides (%s)", (isolation) => {
    for (const name of ["theirs", "installed-by-command"]) {
      const message = `${name} comes from elsewhere, and Windows holds no plugin whose cell is broken; run the host on Linux, or read it and name its folder by plugins.${name}.path`;
      expect(outcomeOf(name, isolation, "win32")).toMatchObject({ code: "conflict", message });
    }
  });

  it("runs elsewhere, and one of the operator's own everywhere", () => {
    for (const platform of ["linux", "darwin"] as const) expect(outcomeOf("theirs", "process", platform)).toBe("runs");
    for (const platform of ["linux", "darwin", "win32"] as const) expect(outcomeOf("mine", "process", platform)).toBe("runs");
  });
});

describe("a host", () => {
  const { platform } = process;
  const pretend = (value: NodeJS.Platform): void => void Object.defineProperty(process, "platform", { value });
  afterEach(() => pretend(platform));

  it("on macOS has nothing to hold cells by, and refuses to be told that it has", async () => {
    pretend("darwin");
    expect(await resolveHardening({})).toMatchObject({ bubblewrap: false, users: undefined, gaps: lacksOf("darwin") });
    await expect(resolveHardening({ bubblewrap: true })).rejects.toMatchObject({ code: "invalid-message" });
  });

  it("on Windows refuses to install a stranger's plugin before anything of it is read", async () => {
    const { admit } = await pluginSources(configuration, {}, () => configuration);
    pretend("win32");
    const unread = (): never => {
      throw new Error("it was read");
    };
    const manifest = { name: "theirs" };
    const stranger = Object.defineProperty({ manifest }, "wasm", { get: unread }) as unknown as Parameters<typeof admit>[0];
    const settings = { isolation: "process" } as Parameters<typeof admit>[1];
    await expect(admit(stranger, settings)).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("Windows") });
  });
});
