// The streams that a cluster lies in, by name: what `bulkhead cluster init` makes and hosts find. Buckets are laid out like those of NATS' own key-value store, so
// that its tools show them.

import { HostError } from "../../core/errors.ts";
import type { Nats, StreamConfig } from "./connection.ts";

const MIB = 1_024 * 1_024;
const SECOND_NS = 1_000_000_000;

export type BucketName = "leases" | "state";

interface BucketShape {
  /** Of all that lies in it. */
  readonly maxBytes: number;
  /** Of one value, with its headers. */
  readonly maxValueBytes: number;
}

const BUCKETS: Readonly<Record<BucketName, BucketShape>> = {
  leases: { maxBytes: 16 * MIB, maxValueBytes: 4 * 1_024 },
  // Of the shared state there is 64 MiB by default, with values of 64 KiB at most.
  state: { maxBytes: 128 * MIB, maxValueBytes: 68 * 1_024 },
};

export const bucketNames: readonly BucketName[] = Object.keys(BUCKETS) as BucketName[];

export const streamOf = (prefix: string, bucket: BucketName): string => `KV_${prefix}-${bucket}`;
export const subjectsOf = (prefix: string, bucket: BucketName): string => `$KV.${prefix}-${bucket}.`;

/** How the streams of a cluster are to be. */
function streamsOf(prefix: string, replicas: number): readonly (Partial<StreamConfig> & { readonly name: string })[] {
  return bucketNames.map((bucket) => ({
    name: streamOf(prefix, bucket),
    subjects: [`${subjectsOf(prefix, bucket)}>`],
    max_msgs_per_subject: 1,
    max_bytes: BUCKETS[bucket].maxBytes,
    max_msg_size: BUCKETS[bucket].maxValueBytes,
    num_replicas: replicas,
    // What is full refuses: nothing that lies there may go by itself.
    discard: "new",
    deny_delete: true,
    allow_direct: true,
    // So that what says that a key is gone goes itself in time.
    allow_msg_ttl: true,
    duplicate_window: 120 * SECOND_NS,
  })) as never;
}

/** Makes what is not there, and leaves alone what is. Needs an account that may. */
export async function makeStreams({ manager, options }: Nats, replicas: number): Promise<readonly string[]> {
  const made: string[] = [];
  for (const stream of streamsOf(options.prefix, replicas)) {
    if (await isThere(manager, stream.name)) continue;
    await manager.streams.add(stream);
    made.push(stream.name);
  }
  return made;
}

/** Rejects with HostError `conflict` where there is none. */
export async function requireStream({ manager, options }: Nats, bucket: BucketName): Promise<void> {
  const name = streamOf(options.prefix, bucket);
  if (await isThere(manager, name)) return;
  throw new HostError("conflict", `the NATS servers have no stream ${name}; "bulkhead cluster init" makes all that a cluster needs`);
}

async function isThere(manager: Nats["manager"], name: string): Promise<boolean> {
  try {
    await manager.streams.info(name);
    return true;
  } catch (thrown) {
    if ((thrown as Error).name === "StreamNotFoundError") return false;
    throw thrown;
  }
}
