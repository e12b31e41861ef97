// Who may run in the host's own process: on a V8 with known flaws nobody whom the operator did not name by his folder.

import { escapesOf, KNOWN_ESCAPES_AS_OF } from "../cell/outside/known-escapes.ts";
import { HostError } from "../core/errors.ts";
import type { Configuration, PluginConfiguration } from "../manifest/configuration.ts";

/**
 * Throws HostError `conflict` for a plugin that was installed, or comes from a tarball or a registry, and would run inline or in a thread. What the
 * configuration names by its folder is the operator's own word.
 */
export function refuseEscapes(
  name: string,
  { isolation }: Pick<PluginConfiguration, "isolation">,
  { plugins, hardening }: Pick<Configuration, "plugins" | "hardening">,
): void {
  if (isolation === "process" || hardening.acceptVulnerableNode === true || plugins[name]?.path !== undefined) return;
  const known = escapesOf().map(({ id }) => id);
  if (known.length === 0) return;
  const why = `V8 ${process.versions.v8} has known flaws (${known.join(", ")})`;
  const remedy = "set isolation to process, or accept it with --accept-vulnerable-node (hardening.acceptVulnerableNode)";
  throw new HostError(
    "conflict",
    `${name} comes from elsewhere and would run in the host's own process (${isolation}), and ${why}; ${remedy}`,
  );
}

/** A warning about those whom the operator named by their folder; undefined when there is nothing to warn of. */
export function warningOfEscapes({ plugins }: Pick<Configuration, "plugins">): string | undefined {
  const inside = Object.keys(plugins).filter((name) => plugins[name]?.isolation !== "process");
  const escapes = inside.length === 0 ? [] : escapesOf();
  if (escapes.length === 0) return undefined;
  const known = escapes.map(({ id, about }) => `${id}: ${about}`).join("; ");
  return `${inside.join(", ")} run in the host's own process, and V8 ${process.versions.v8} has flaws known as of ${KNOWN_ESCAPES_AS_OF} (${known}); isolation process is the wall against them`;
}
