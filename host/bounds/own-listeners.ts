// Where the host itself listens. Nothing that a plugin sends may come in again by the host's own doors, where it would not be the plugin any more.

import { networkInterfaces } from "node:os";
import ipaddr from "ipaddr.js";

export class OwnListeners {
  readonly #ports = new Set<number>();

  add(port: number): void {
    if (port > 0) this.#ports.add(port);
  }

  /** As `http://127.0.0.1:7420`, which is how a door says where it is; what is no such address is no port either. */
  addAddress(address: string): void {
    const url = URL.parse(address);
    if (url === null || url.hostname === "") return;
    this.add(url.port === "" ? (DEFAULT_PORTS[url.protocol] ?? 0) : Number(url.port));
  }

  /** Whether a connection there would be one to the host. What is behind an address that others translate to this machine cannot be seen from here. */
  has(address: string, port: number): boolean {
    return this.#ports.has(port) && isThisMachine(address);
  }
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443, "ws:": 80, "wss:": 443 };

function isThisMachine(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const plain = ipaddr.process(address);
  // The unspecified address leads here too.
  if (plain.range() === "loopback" || plain.range() === "unspecified") return true;
  const text = plain.toString();
  return Object.values(networkInterfaces()).some((found) => found?.some((one) => ipaddr.process(one.address).toString() === text));
}
