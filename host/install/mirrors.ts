// What lies at one address is fetched from another: for hosts that reach no registry of the world. Who is named in a lock or in a message of consent stays who
// it was.

/** Beginning of an address → what stands there instead; both end with a slash. */
export type Mirrors = Readonly<Record<string, string>>;

/** By the longest beginning that fits; an address without one is itself. */
export function mirrored(address: string, mirrors: Mirrors = {}): string {
  const beginning = Object.keys(mirrors)
    .filter((one) => address.startsWith(one))
    .reduce((longest, one) => (one.length > longest.length ? one : longest), "");
  return beginning === "" ? address : `${mirrors[beginning]}${address.slice(beginning.length)}`;
}
