// Which strangers may run: on a system without walls none, and in the host's own process none while its V8 has known flaws. A stranger is whom the operator
// did not name by his folder.

import { escapesOf, KNOWN_ESCAPES_AS_OF } from "../cell/outside/known-escapes.ts";
import { refusesStrangers } from "../cell/outside/platform.ts";
import { HostError } from "../core/errors.ts";
import type { Configuration, PluginConfiguration } from "../manifest/configuration.ts";

/**
 * Throws HostError `conflict` for a plugin that was installed, or comes from a tarball or a registry: on Windows always, elsewhere where it would run inline or in a
 * thread. What the configuration names by its folder is the operator's own word.
 */
export function refuseStranger(
  name: string,
  settings: Pick<PluginConfiguration, "isolation">,
  configuration: Pick<Configuration, "plugins" | "hardening">,
  platform: NodeJS.Platform = process.platform,
): void {
  // What is remote runs elsewhere, whoever made it.
  if (configuration.plugins[name]?.path !== undefined || settings.isolation === "remote") return;
  if (refusesStrangers(platform)) {
    const remedy = `run the host on Linux, or read it and name its folder by plugins.${name}.path`;
    throw new HostError("conflict", `${name} comes from elsewhere, and Windows holds no plugin whose cell is broken; ${remedy}`);
  }
  refuseEscapes(name, settings, configuration);
}

function refuseEscapes(
  name: string,
  { isolation }: Pick<PluginConfiguration, "isolation">,
  { hardening }: Pick<Configuration, "hardening">,
): void {
  if (isolation === "process" || hardening.acceptVulnerableNode === true) return;
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
  const inside = Object.keys(plugins).filter((name) => ["inline", "thread"].includes(plugins[name]?.isolation ?? ""));
  const escapes = inside.length === 0 ? [] : escapesOf();
  if (escapes.length === 0) return undefined;
  const known = escapes.map(({ id, about }) => `${id}: ${about}`).join("; ");
  return `${inside.join(", ")} run in the host's own process, and V8 ${process.versions.v8} has flaws known as of ${KNOWN_ESCAPES_AS_OF} (${known}); isolation process is the wall against them`;
}
