// Opens the capabilities that are on.

import { CAPABILITIES } from "../capabilities/index.ts";
import { HostError } from "../core/errors.ts";
import type { CapabilityFunctions } from "../core/ports/capability.ts";
import type { Permission } from "../core/types.ts";
import type { WitFunction } from "../core/wit.ts";
import type { Configuration } from "../manifest/configuration.ts";
import type { CapabilityOpening, CapabilityRow, Opening } from "../seams.ts";
import { openOurs } from "./foreign.ts";
import { optionsOf, type Section, sectionOf, unknownName } from "./sections.ts";

/** Functions of wit/ by the capabilities that are on; those of the others are answered with what turned them off. Rejects with HostError. */
export async function openCapabilities(
  configuration: Configuration,
  opening: Opening,
  given: Omit<CapabilityOpening, keyof Opening>,
  booting: AsyncDisposableStack,
): Promise<CapabilityFunctions> {
  for (const name of Object.keys(configuration.capabilities))
    if (!Object.hasOwn(CAPABILITIES, name)) throw unknownName("capabilities", name, Object.keys(CAPABILITIES));
  const open = async (row: CapabilityRow, section: Section): Promise<CapabilityFunctions> => {
    const capability = await row.load();
    const options = optionsOf(capability.options, section);
    return booting.use(await openOurs(capability, () => capability.open({ ...opening, ...given }, options))).functions;
  };
  const functions: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(CAPABILITIES)) {
    const section = sectionOf(configuration, "capabilities", name);
    Object.assign(functions, section.value === false ? refusing(row, section.key) : await open(row, section));
  }
  return functions as CapabilityFunctions;
}

function refusing({ needs }: CapabilityRow, key: string): CapabilityFunctions {
  const refused = (functionName: string) => (): Promise<never> =>
    Promise.reject(new HostError("permission-denied", `this host does not answer ${functionName} (${key} is false)`));
  return Object.fromEntries(
    (Object.entries(needs) as [WitFunction, Permission | undefined][]).map(([name, permission]) => [
      name,
      { needs: permission, answer: refused(name) },
    ]),
  );
}
