// What the operator can set for the HTTP adapter.

import { isIP } from "node:net";
import { z } from "zod";
import { isPluginName } from "../../core/names.ts";
import { isHostOrOrigin } from "./origin.ts";
import { CREDENTIALS } from "./raw-headers.ts";

export interface HttpOptions {
  /** Address to listen on. Anything but loopback lets other machines call every service: put an authenticating proxy in front. */
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly maxBodyBytes: number;
  /** Of a body that goes into a blob. */
  readonly maxBlobBytes: number;
  /** Above that the oldest one that waits for its client makes room; fewer where the system leaves too few open files. */
  readonly maxConnections: number;
  /** What is kept for those who follow events and are slow, or come back: of all streams together. */
  readonly events: { readonly maxEvents: number; readonly maxMiB: number };
  /** Whether services whose words the operator has read are tools at `/mcp`. */
  readonly mcp: boolean;
  /** Whether services can be asked, and events followed, by GraphQL at `/graphql`. */
  readonly graphql: boolean;
  /** For a connection without a request. */
  readonly keepAliveMs: number;
  /** For the headers of a request to arrive. */
  readonly headersMs: number;
  /** Host names, or origins such as `https://bulkhead.example`, that requests may be addressed to, besides loopback's and `host` itself. */
  readonly allowedHosts: readonly string[];
  /** Addresses, or networks such as `10.0.0.0/8`, of proxies whose word of the client's address counts: for limits and the audit log, and never for who he is. */
  readonly trustedProxies: readonly string[];
  /** Which headers with a client's credentials raw routes of a plugin may name, by the plugin's name. */
  readonly credentialHeaders: Readonly<Record<string, readonly (typeof CREDENTIALS)[number][]>>;
}

/** With a prefix that leaves something to be compared: whoever trusts everybody believes what clients say of themselves. */
function isNetwork(text: string): boolean {
  const [, address = "", prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const bits = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
  return bits > 0 && !address.includes("%") && (prefix === undefined || (Number(prefix) >= 1 && Number(prefix) <= bits));
}

export const httpOptions: z.ZodType<HttpOptions> = z.strictObject({
  host: z.string().default("127.0.0.1"),
  port: z.int().min(0).max(65_535).default(7_420),
  maxBodyBytes: z
    .int()
    .positive()
    .max(64 * 1024 * 1024)
    .default(1024 * 1024),
  maxBlobBytes: z
    .int()
    .positive()
    .max(1024 * 1024 * 1024 * 1024)
    .default(64 * 1024 * 1024),
  maxConnections: z.int().positive().max(65_536).default(512),
  events: z
    .strictObject({
      maxEvents: z.int().positive().max(1_000_000).default(10_000),
      maxMiB: z.int().positive().max(1_024).default(16),
    })
    .prefault({}),
  mcp: z.boolean().default(false),
  graphql: z.boolean().default(false),
  keepAliveMs: z.int().positive().max(600_000).default(10_000),
  headersMs: z.int().positive().max(30_000).default(10_000),
  allowedHosts: z
    .array(z.string().refine(isHostOrOrigin, "write a host name without port, or an origin such as https://bulkhead.example"))
    .default([]),
  trustedProxies: z.array(z.string().refine(isNetwork, "write an address, or a network such as 10.0.0.0/8")).max(64).default([]),
  credentialHeaders: z.record(z.string().refine(isPluginName, "write the name of a plugin"), z.array(z.enum(CREDENTIALS))).default({}),
});
