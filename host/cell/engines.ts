// The engines that a plugin's configuration can name.

import { HostError } from "../core/errors.ts";
import type { Engine } from "../engine/engine.ts";
import { createExtismEngine } from "../engine/extism.ts";
import { meteredEngine } from "../engine/metered.ts";

let extism: Promise<Engine> | undefined;

/** Rejects with HostError `internal` for an unknown name, and when the package of the `extism` engine is not installed. */
export async function engineNamed(name: string = "metered"): Promise<Engine> {
  if (name === "metered") return meteredEngine;
  if (name !== "extism") throw new HostError("internal", `there is no engine ${name}`);
  extism ??= createExtismEngine();
  return extism;
}
