// What the operator can set for the HTTP adapter.

import { z } from "zod";
import { isHostOrOrigin } from "./origin.ts";

export interface HttpOptions {
  /** Address to listen on. Anything but loopback lets other machines call every service: put an authenticating proxy in front. */
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly maxBodyBytes: number;
  /** Host names, or origins such as `https://bulkhead.example`, that requests may be addressed to, besides loopback's and `host` itself. */
  readonly allowedHosts: readonly string[];
}

export const httpOptions: z.ZodType<HttpOptions> = z.strictObject({
  host: z.string().default("127.0.0.1"),
  port: z.int().min(0).max(65_535).default(7_420),
  maxBodyBytes: z
    .int()
    .positive()
    .max(64 * 1024 * 1024)
    .default(1024 * 1024),
  allowedHosts: z
    .array(z.string().refine(isHostOrOrigin, "write a host name without port, or an origin such as https://bulkhead.example"))
    .default([]),
});
