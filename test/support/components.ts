// Components for tests, assembled from text: a core module and the world that it is written for, or the text of a whole component.

import { readdir, readFile } from "node:fs/promises";
import { componentEmbed, componentNew, parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { loadTranspiler } from "../../host/cell/admission/transpiler.ts";
import type { Limits, PluginImage } from "../../host/core/types.ts";
import type { AdmittedModule } from "../../host/engine/admit-plugin.ts";
import { admitComponent } from "../../host/engine/component/admit-component.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { wat } from "./wat.ts";

const WIT = new URL("../../wit/", import.meta.url);

/** wit/, or a released one such as `v0.1`, as one text: jco takes one file, and a package says its name once. */
export async function worldText(released?: string): Promise<string> {
  const folder = released === undefined ? WIT : new URL(`${released}/`, WIT);
  const names = (await readdir(folder)).filter((name) => name.endsWith(".wit")).sort();
  const texts = await Promise.all(names.map((name) => readFile(new URL(name, folder), "utf8")));
  const [first = "", ...others] = texts;
  return [first, ...others.map((text) => text.replace(/^package [^;]*;/m, ""))].join("\n");
}

const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);

/** A component of the world `test`, which is in `wit`; its core module is the text. Without `wit` the world is ours. */
export async function componentOf(core: string, wit: string = "", world: string = "plugin"): Promise<Uint8Array<ArrayBuffer>> {
  const witSource = wit === "" ? await worldText() : wit;
  const embedded = await componentEmbed({ binary: await parse(core), witSource, world });
  return own(await componentNew(embedded, []));
}

/** What becomes of a text in test/hostile: where the name says so a component, by its own text or as the core module of one of our world; else a module. */
export function hostileModule(name: string, text: string): Promise<Uint8Array<ArrayBuffer>> {
  if (!name.endsWith(".component.wat")) return wat(text);
  return /^\(component$/m.test(text) ? componentText(text) : componentOf(text);
}

/** A component by its own text. */
export const componentText = async (text: string): Promise<Uint8Array<ArrayBuffer>> => own(await parse(text));

let transpiler: ReturnType<typeof loadTranspiler> | undefined;

/** Admits it in this process. */
export async function admitted(component: Uint8Array<ArrayBuffer>, limits: Partial<Limits> = {}): Promise<AdmittedModule> {
  return admitComponent(component, { ...DEFAULT_LIMITS, ...limits }, () => {
    transpiler ??= loadTranspiler();
    return transpiler;
  });
}

export async function componentImage(
  name: string,
  component: Uint8Array<ArrayBuffer>,
  limits: Partial<Limits> = {},
  config: Record<string, string> = {},
): Promise<PluginImage> {
  const { module, entryPoints, report } = await admitted(component, limits);
  // Test guests do nothing when they are loaded.
  const entered = entryPoints === "any" ? [] : entryPoints;
  const { compileBytes } = report;
  return { name, module, compileBytes, entryPoints: entered, limits: { ...DEFAULT_LIMITS, ...limits }, config };
}
