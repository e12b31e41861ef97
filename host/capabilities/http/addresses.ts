// Which address a name leads to, asked once for each hop: what is not public needs a permission of its own.

import { lookup as systemLookup } from "node:dns/promises";
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import pLimit, { type LimitFunction } from "p-limit";
import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/** All addresses of a name; rejects when there are none. */
export type Lookup = (name: string) => Promise<readonly Address[]>;

// A lookup holds one of libuv's four threads for as long as a name server likes; the files of the host need one too.
const MAX_LOOKUPS = 3;
// A service of Azure's hosts that speaks to every machine there; all other metadata services have addresses that are not public.
const NOT_PUBLIC: readonly string[] = ["168.63.129.16"];
const GLOBAL_IPV6 = ipaddr.parseCIDR("2000::/3");

/** False for private, loopback, link-local, multicast, reserved, translated and mapped addresses, and for what is no address. */
export function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  // An IPv4 address inside of an IPv6 one counts as what it is.
  const plain = ipaddr.process(address);
  if (plain.range() !== "unicast" || NOT_PUBLIC.includes(plain.toString())) return false;
  return plain.kind() === "ipv4" || plain.match(GLOBAL_IPV6);
}

export class AddressBook {
  readonly #lookup: Lookup;
  readonly #everybody = pLimit(MAX_LOOKUPS);
  readonly #waiting = new Map<string, LimitFunction>();

  constructor(lookup: Lookup = (name) => systemLookup(name, { all: true, order: "verbatim" }) as Promise<Address[]>) {
    this.#lookup = lookup;
  }

  /**
   * The addresses that may be connected to: all public ones, else the first at all, after `requirePrivate`. One lookup at a time for each plugin.
   * Rejects with `http-failed`, or with what `requirePrivate` throws.
   */
  async resolve(plugin: string, hostname: string, requirePrivate: (address: string) => void): Promise<readonly Address[]> {
    const addresses = await this.#find(plugin, hostname);
    const open = addresses.filter(({ address }) => isPublic(address));
    if (open.length > 0) return open;
    const [first] = addresses;
    if (first === undefined) throw new HostError("http-failed", `${printable(hostname)} has no address`);
    requirePrivate(ipaddr.process(first.address).toString());
    return [first];
  }

  async #find(plugin: string, hostname: string): Promise<readonly Address[]> {
    const literal = hostname.replace(/^\[(.*)\]$/, "$1");
    const family = isIP(literal);
    if (family !== 0) return [{ address: literal, family: family === 4 ? 4 : 6 }];
    const own = this.#waiting.get(plugin) ?? pLimit(1);
    this.#waiting.set(plugin, own);
    try {
      return await own(() => this.#everybody(() => this.#lookup(hostname)));
    } catch (cause) {
      throw new HostError("http-failed", `the name ${printable(hostname)} cannot be resolved${codeOf(cause)}`);
    } finally {
      if (own.activeCount + own.pendingCount === 0) this.#waiting.delete(plugin);
    }
  }
}

/** The code of what the system reports, to be shown to a plugin: its message may hold addresses. */
export function codeOf(thrown: unknown): string {
  const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  return typeof code === "string" ? ` (${code})` : "";
}
