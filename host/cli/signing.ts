// With which key a command signs: one of the key folder, whose password is asked for, or the one in the environment.

import { HostError } from "../core/errors.ts";
import { KEY_PASSWORD_VARIABLE, keyFolder, keyOfEnvironment, openKey, SIGNING_KEY_VARIABLE } from "../trust/key-files.ts";
import type { PrivateKey } from "../trust/signatures.ts";
import { readHidden } from "./hidden-value.ts";

export interface KeyOptions {
  readonly key?: string;
  readonly keys?: string;
}

export const KEY_HELP: string = `the key's name; else the one in ${SIGNING_KEY_VARIABLE}`;
export const KEYS_HELP = "where keys lie, instead of ~/.config/bulkhead/keys";

/** Rejects with HostError `invalid-message` when there is no key, or its password is wrong. */
export async function signingKey({ key, keys = keyFolder() }: KeyOptions): Promise<PrivateKey> {
  if (key !== undefined) return openKey(keys, key, () => keyPassword(`The password of the key ${key}:`));
  const found = keyOfEnvironment();
  if (found !== undefined) return found;
  throw new HostError("invalid-message", `there is no key to sign with; name one with --key, or set ${SIGNING_KEY_VARIABLE}`);
}

/** From the environment, the terminal or standard input. */
const keyPassword = async (message: string): Promise<string> => process.env[KEY_PASSWORD_VARIABLE] ?? (await readHidden(message));

/** As the clock says, or SOURCE_DATE_EPOCH, in milliseconds since 1970. Throws HostError `invalid-message` for one that is no number of seconds. */
export const signingTime = (): number => sourceDate() ?? Date.now();

/** SOURCE_DATE_EPOCH in milliseconds; undefined where it is not set. Throws as signingTime does. */
export function sourceDate(): number | undefined {
  const { SOURCE_DATE_EPOCH: epoch } = process.env;
  if (epoch === undefined || epoch === "") return undefined;
  if (/^[0-9]{1,11}$/.test(epoch)) return Number(epoch) * 1_000;
  throw new HostError("invalid-message", "SOURCE_DATE_EPOCH is no number of seconds since 1970");
}
