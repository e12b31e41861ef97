// What the operator can set for the gRPC adapter.

import { z } from "zod";

export interface GrpcOptions {
  /** Address to listen on. */
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Of one message, either way. */
  readonly maxMessageBytes: number;
  /** Above that the oldest one on which nobody is known makes room. */
  readonly maxConnections: number;
  /** What is kept for those who follow events and are slow, or come back: of all streams together. */
  readonly events: { readonly maxEvents: number; readonly maxMiB: number };
}

const MIB = 1_024 * 1_024;

export const grpcOptions: z.ZodType<GrpcOptions> = z.strictObject({
  host: z.string().default("127.0.0.1"),
  port: z.int().min(0).max(65_535).default(7_421),
  maxMessageBytes: z
    .int()
    .min(1_024)
    .max(64 * MIB)
    .default(4 * MIB),
  maxConnections: z.int().positive().max(65_536).default(256),
  events: z
    .strictObject({
      maxEvents: z.int().positive().max(1_000_000).default(10_000),
      maxMiB: z.int().positive().max(1_024).default(16),
    })
    .prefault({}),
});
