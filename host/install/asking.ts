// Asks a registry, and says in words why it could not be asked. The HTTP client is loaded when one is asked first: most hosts never do.

import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { NpmSettings } from "./npm-settings.ts";
import type { RegistryAnswer, RegistryRequest } from "./registry-client.ts";

/** How messages call what is asked for, and who is asked. */
export interface Asked {
  readonly label: string;
  readonly registry: string;
}

/** Whatever the status is. Rejects with HostError `http-failed`, or as `request.tooLarge` says. */
export async function askInWords(asked: Asked, request: RegistryRequest, settings: NpmSettings): Promise<RegistryAnswer> {
  const { askRegistry } = await import("./registry-client.ts");
  return askRegistry(request, settings).catch((cause: unknown) => {
    throw cause instanceof HostError ? cause : unreachable(asked, cause);
  });
}

export function unreachable({ label, registry }: Asked, cause: unknown): HostError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const why = printable(code === "" && cause instanceof Error ? cause.message : code);
  return new HostError("http-failed", `${registry} could not be asked for ${label} (${why}); check the network and the address`, { cause });
}
