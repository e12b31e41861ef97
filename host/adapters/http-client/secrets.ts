// `{{secret:NAME}}` in a header: filled in on the way out, hidden on the way back. A plugin writes the name and never sees the value.

import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { Header } from "./request.ts";

interface Secret {
  readonly value: string;
  /** Whether it may go with a request of this resource, as `http.fetch` names it. */
  mayGoTo(resource: string): boolean;
}

export interface SecretSource {
  find(name: string): Secret | undefined;
}

const PLACEHOLDER = /\{\{secret:([^{}]*)\}\}/g;
const MASK = "*".charCodeAt(0);

export const hasPlaceholder = ({ value }: Header): boolean => value.search(PLACEHOLDER) >= 0;

/**
 * The headers with their secrets, whose values are added to `used`. `require` is asked for each name first. Throws HostError `permission-denied`
 * for a secret that does not exist too, so that nobody learns which do.
 */
export function fillIn(
  headers: readonly Header[],
  resource: string,
  secrets: SecretSource,
  require: (name: string) => void,
  used: Set<string>,
): readonly Header[] {
  return headers.map(({ name, value }) => ({
    name,
    value: value.replaceAll(PLACEHOLDER, (_, secretName: string) => {
      require(secretName);
      const secret = secrets.find(secretName);
      if (!secret?.mayGoTo(resource)) {
        const origin = resource.slice(resource.indexOf(" ") + 1).replace(/^(\w+:\/\/[^/]*).*/, "$1");
        const remedy = `"bulkhead secret set ${printable(secretName)} --to ${printable(origin)}" allows it`;
        throw new HostError("permission-denied", `the secret ${printable(secretName)} may not go to ${printable(origin)}; ${remedy}`);
      }
      used.add(secret.value);
      return secret.value;
    }),
  }));
}

/** Overwrites every copy of the secrets with asterisks; a server may echo what it was sent. */
export function hide(bytes: Uint8Array, used: Iterable<string>): void {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const secret of used) {
    const needle = Buffer.from(secret, "latin1");
    for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length)) text.fill(MASK, at, at + needle.length);
  }
}

export const hideInText = (text: string, used: Iterable<string>): string =>
  [...used].reduce((shown, secret) => shown.replaceAll(secret, "*".repeat(secret.length)), text);
