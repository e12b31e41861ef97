// Which addresses and names lead to this machine and nowhere else.

import { isIP } from "node:net";

/** As Node writes them: this is asked of each request. */
const USUAL: ReadonlySet<string> = new Set(["127.0.0.1", "::1"]);

/** Whether only this machine reaches the address, or is reached by the name. */
export function isLoopback(host: string): boolean {
  if (USUAL.has(host)) return true;
  const bare = host.replace(/^\[|\]$/g, "").toLowerCase();
  const mapped = bare.startsWith("::ffff:") ? bare.slice("::ffff:".length) : bare;
  if (isIP(mapped) === 4) return mapped.startsWith("127.");
  return bare === "::1" || bare === "localhost";
}
