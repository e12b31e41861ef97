// The points that a plugin declares, as the core takes them. What is asked and answered there is checked in the plugin's own cell, which alone knows the schemas; so
// nobody else may ask.

import { HostError } from "../core/errors.ts";
import type { ExtensionPoint } from "../core/types.ts";
import type { Manifest } from "./manifest.ts";

export function ownPoints({ name: owner, extensionPoints }: Pick<Manifest, "name" | "extensionPoints">): readonly ExtensionPoint[] {
  return Object.keys(extensionPoints).map((name) => ({
    name,
    owner,
    checkInput(_input, { kind, name: caller }) {
      if (kind === "plugin" && caller === owner) return;
      throw new HostError(
        "permission-denied",
        `${caller} may not ask ${name}; a point of a plugin is asked by that plugin alone, ${owner}`,
      );
    },
    checkAnswer() {},
  }));
}
