// `blobs.*` of wit/: a plugin's own blobs, so no permission is asked for. They are answered on the host's side, whatever cell the plugin has: that side brings
// bodies of HTTP into them and out of them, and a process cell has given up its access to files.

import { HostError } from "../../core/errors.ts";
import type { CapabilityFunctions, CheckedCall } from "../../core/ports/capability.ts";
import type { Blobs } from "./blobs.ts";
import type { PluginBlobs } from "./plugin-blobs.ts";
import { requireOwnName } from "./rules.ts";

/** What the host works beside the disk, measured: opening and closing files, and bringing bytes from one place to another. */
const CALL_MS = 0.1;
const MS_PER_BYTE = 1 / 1_048_576;

const turnOf = ({ within }: CheckedCall): string => within.context.traceparent;

export function blobFunctions(blobs: Blobs): CapabilityFunctions {
  const of = (call: CheckedCall, bytes = 0): Promise<PluginBlobs> => {
    call.spend(CALL_MS + bytes * MS_PER_BYTE);
    return blobs.of(call.plugin);
  };
  const requireSize = (call: CheckedCall, what: string, length: number): void => {
    const { payloadBytes } = call.limits;
    if (length > payloadBytes)
      throw new HostError("quota-exceeded", `${what} ${length} bytes at once; the limit is ${payloadBytes} (limits.payloadMiB)`);
  };
  return {
    "blobs.create": {
      async answer(call, name, mediaType, metadata) {
        requireOwnName(name);
        // The writers first: the turn may end while the blobs are being opened.
        const { limits, plugin } = call;
        return blobs.writersOf(plugin).open(turnOf(call), async () => (await of(call)).begin({ name, mediaType, metadata }, limits));
      },
    },
    "blobs.append": {
      async answer(call, writer, bytes) {
        requireSize(call, "the piece has", bytes.length);
        await of(call, bytes.length);
        // A copy: the argument may be a view on a whole batch of messages, or on the guest's own memory.
        await blobs.writersOf(call.plugin).get(turnOf(call), writer).write(bytes.slice());
      },
    },
    "blobs.finish": {
      async answer(call, writer) {
        await of(call);
        return blobs.writersOf(call.plugin).take(turnOf(call), writer).finish();
      },
    },
    "blobs.discard": {
      async answer(call, writer) {
        await of(call);
        const writers = blobs.writersOf(call.plugin);
        if (!writers.has(turnOf(call), writer)) return false;
        await writers.take(turnOf(call), writer).discard();
        return true;
      },
    },
    "blobs.read": {
      async answer(call, name, offset, length, etag) {
        requireSize(call, "you ask for", length);
        return (await of(call, length)).read(name, offset, length, etag);
      },
    },
    "blobs.stat": { answer: async (call, name) => (await of(call)).stat(name) },
    "blobs.scan": { answer: async (call, prefix, after, limit) => (await of(call)).scan({ prefix, after, limit }) },
    "blobs.rename": {
      async answer(call, name, to) {
        requireOwnName(to);
        return (await of(call)).rename(name, to, call.limits);
      },
    },
    "blobs.delete": { answer: async (call, name) => (await of(call)).delete(name) },
  };
}
