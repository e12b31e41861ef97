// What an operator can do with the words of plugins that become tools: read them, let them be told on, and take that back.

import { z } from "zod";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { AuditLog } from "./audit.ts";
import { checked, type Operation } from "./checked.ts";
import { digestOf, type ReadWords, type ToolWords, type ToolWordsStore, wordsOf } from "./tool-words.ts";

export interface ToolOperationsPorts {
  readonly words: ToolWordsStore;
  readonly manifests: ReadonlyMap<string, Manifest>;
  readonly audit: Pick<AuditLog, "append">;
  transaction(work: () => void): void;
}

/** `changed`: the plugin says something else than what was read, so nothing of it is a tool. */
export type ToolState = "allowed" | "changed" | "not-allowed";

export interface ToolOverview {
  readonly plugin: string;
  readonly state: ToolState;
  /** Services that are, or would be, tools. */
  readonly services: readonly string[];
  /** Who read the words, and when. */
  readonly by: string | undefined;
  readonly at: string | undefined;
}

/** What an operator reads before it allows a plugin's tools. */
export interface ToolReading {
  readonly plugin: string;
  readonly state: ToolState;
  readonly now: ToolWords;
  readonly before: ToolWords | undefined;
  /** Of `now`; `allow-tools` takes no other. */
  readonly digest: string;
}

const pluginSchema: z.ZodType<{ readonly plugin: string }> = z.strictObject({ plugin: z.string() });
const allowSchema: z.ZodType<{ readonly plugin: string; readonly digest: string }> = z.strictObject({
  plugin: z.string(),
  digest: z.string().max(64),
});

export function toolOperations(ports: ToolOperationsPorts): readonly (readonly [string, Operation])[] {
  const { words, manifests, audit, transaction } = ports;
  const manifestOf = (plugin: string): Manifest => {
    const manifest = manifests.get(plugin);
    if (manifest === undefined) throw new HostError("invalid-message", `there is no plugin ${printable(plugin)}`);
    return manifest;
  };
  const stateOf = (manifest: Manifest, read: ReadWords | undefined): ToolState =>
    read === undefined ? "not-allowed" : words.holds(manifest) ? "allowed" : "changed";
  const readingOf = (plugin: string): ToolReading => {
    const manifest = manifestOf(plugin);
    const [now, read] = [wordsOf(manifest), words.find(plugin)];
    return { plugin, state: stateOf(manifest, read), now, before: read?.words, digest: digestOf(now) };
  };
  const overview = (): ToolOverview[] =>
    [...manifests].map(([plugin, manifest]) => {
      const read = words.find(plugin);
      return { plugin, state: stateOf(manifest, read), services: Object.keys(wordsOf(manifest)), by: read?.by, at: read?.at };
    });
  return [
    ["tools", checked(z.strictObject({}), overview)],
    ["read-tools", checked(pluginSchema, ({ plugin }) => readingOf(plugin))],
    [
      "allow-tools",
      checked(allowSchema, ({ plugin, digest }, actor) => {
        const reading = readingOf(plugin);
        if (digest !== reading.digest)
          throw new HostError("conflict", `${plugin} says something else than what was read: read it again, then allow it`);
        transaction(() => {
          words.allow(plugin, reading.now, actor);
          audit.append(actor, "allow-tools", plugin, { services: Object.keys(reading.now), digest });
        });
        words.committed();
        return readingOf(plugin);
      }),
    ],
    [
      "deny-tools",
      checked(pluginSchema, ({ plugin }, actor) => {
        transaction(() => {
          if (!words.forget(plugin)) throw new HostError("invalid-message", `no services of ${printable(plugin)} are tools`);
          audit.append(actor, "deny-tools", plugin);
        });
        words.committed();
        return { plugin };
      }),
    ],
  ];
}
