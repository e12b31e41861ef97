// A manifest's api and its module's: whoever says an earlier one than the module needs is told so before anything is installed.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Control, openControl } from "../../host/cli/control.ts";
import { supportedInterface } from "../../host/engine/component/supported.ts";
import { parseConfiguration } from "../../host/index.ts";
import { guest } from "../engine/component/guests.ts";
import { bulkhead } from "../support/command.ts";
import { componentOf, worldText } from "../support/components.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

const CORE = guest({ handle: "(call $ok (local.get $input) (local.get $inputLength))" });
const TOO_EARLY = 'p says "api": "0.1", and its module has bulkhead:plugin/entry-points@0.2.0, which came with 0.2; write "api": "0.2"';

describe("a component", () => {
  let folder: TemporaryFolder;
  let control: Control;
  beforeAll(async () => {
    folder = temporaryFolder();
    control = await openControl(parseConfiguration("{}", join(folder.path, "bulkhead.json")));
  });
  afterAll(async () => {
    await control[Symbol.asyncDispose]();
    folder.remove();
  });

  const written = async (built: "0.1" | "0.2", api: string): Promise<string> => {
    const path = await writePlugin(folder.path, "p", "(module)", { api });
    const component = built === "0.2" ? componentOf(CORE) : componentOf(CORE.replaceAll("@0.2.0", "@0.1.0"), await worldText("v0.1"));
    writeFileSync(join(path, "plugin.wasm"), await component);
    return path;
  };

  it.each([
    ["0.1", "0.1", []],
    ["0.1", "0.2", []],
    ["0.2", "0.2", []],
    ["0.2", "0.1", [TOO_EARLY]],
  ] as const)("for %s with a manifest for %s is refused for %j", async (built, api, refusals) => {
    const spec = await written(built, api);
    expect(await control.invoke("plan", { spec })).toMatchObject({ refusals });
    const { code, stdout } = await bulkhead(["inspect", spec]);
    expect(code).toBe(refusals.length);
    for (const refusal of refusals) expect(stdout).toContain(refusal);
  });
});

describe("what came with 0.2", () => {
  let folder: TemporaryFolder;
  beforeAll(() => {
    folder = temporaryFolder();
  });
  afterAll(() => folder.remove());

  it.each(["0.1", "0.2"])("is for a module that says so: %s", async (api) => {
    const asks = `(module (import "extism:host/user" "extensions_ask" (func (param i64 i64 i64) (result i64))))`;
    const { code, stdout } = await bulkhead(["inspect", await writePlugin(folder.path, "p", asks, { api })]);
    expect(code).toBe(api === "0.1" ? 1 : 0);
    expect(stdout).toContain("extensions.ask");
    const refusal = 'p says "api": "0.1", and its module has the import extensions_ask, which came with 0.2; write "api": "0.2"';
    expect(stdout.includes(refusal)).toBe(api === "0.1");
  });

  it("is no interface of 0.1", () => {
    expect(supportedInterface("bulkhead:plugin/extensions@0.2.0")).toHaveProperty("functions");
    expect(supportedInterface("bulkhead:plugin/extensions@0.1.0")).toBe("another version");
  });
});
