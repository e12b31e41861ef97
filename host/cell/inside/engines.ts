// Which engine runs a plugin: that of components for a component, else the one that its configuration names.

import { HostError } from "../../core/errors.ts";
import type { PluginImage } from "../../core/types.ts";
import { isBundle } from "../../engine/component/bundle.ts";
import type { Engine } from "../../engine/engine.ts";
import { meteredEngine } from "../../engine/metered.ts";

// Engines are imported when the first plugin needs them: reading their files is a third of a cell's start.
let extism: Promise<Engine> | undefined;

/**
 * Rejects with HostError `internal` for an unknown name and when the package of the `extism` engine is not installed, and with
 * `invalid-manifest` for a component that another engine is to run.
 */
export async function engineOf({ name: plugin, module, engine: name = "metered" }: PluginImage): Promise<Engine> {
  if (isBundle(module)) {
    if (name === "metered") return (await import("../../engine/component/engine.ts")).componentEngine;
    throw new HostError("invalid-manifest", `${plugin} is a component, which the engine ${name} does not run; leave "engine" out`);
  }
  if (name === "metered") return meteredEngine;
  if (name === "quickjs") return (await import("../../engine/quickjs/engine.ts")).quickJsEngine;
  if (name !== "extism") throw new HostError("internal", `there is no engine ${name}`);
  extism ??= import("../../engine/extism.ts").then(({ createExtismEngine }) => createExtismEngine());
  return extism;
}
