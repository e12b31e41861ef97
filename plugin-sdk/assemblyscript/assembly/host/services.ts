// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// Request and reply between plugins. Which services a plugin provides stands in its manifest under `services`.

export * from "../services";
import * as abi from "../imports";
import { jsonFrom, textFrom } from "../answers";
import { jsonBlock } from "../json";
import { bytesBlock, textBlock } from "../memory";
import { Result } from "../result";

export abstract class CallerKind {
  /** Another plugin; `name` is its name. */
  static readonly plugin: string = "plugin";
  /** A request from outside through an adapter; `name` is the adapter's, such as `http`. */
  static readonly adapter: string = "adapter";
  /** The host itself, for lifecycle entry points and events. */
  static readonly host: string = "host";
}

export class Caller {
  constructor(
    public kind: string = "",
    public name: string = "",
  ) {}

  __decode<R>(reader: R): i32 {
    if (reader.keyIs("kind")) { this.kind = reader.value<string>(); return 1; }
    if (reader.keyIs("name")) { this.name = reader.value<string>(); return 2; }
    return 0;
  }

  __missing(seen: u64): string {
    if (!(seen & ((<u64>1) << 0))) return "kind";
    if (!(seen & ((<u64>1) << 1))) return "name";
    return "";
  }

  __encode<W>(writer: W): void {
    writer.field<string>("kind", this.kind);
    writer.field<string>("name", this.name);
  }
}

export class SendOptions {
  constructor(
    /**
     * It is on the disk when this returns, and stays there until the provider has handled it: also one that is stopped,
     * updated or away gets it, at least once, in the order in which this plugin sent to the service. Needs the permission
     * `services.durable` on the service as well.
     */
    public durable: bool = false,
    /**
     * 1 to 128 printable ASCII characters without spaces; none lets the host make one. A durable message to the same
     * service whose id is known is not taken again.
     */
    public id: string | null = null,
  ) {}

  __decode<R>(reader: R): i32 {
    if (reader.keyIs("durable")) { this.durable = reader.value<bool>(); return 1; }
    if (reader.keyIs("id")) { this.id = reader.value<string | null>(); return 2; }
    return 0;
  }

  __missing(seen: u64): string {
    if (!(seen & ((<u64>1) << 0))) return "durable";
    return "";
  }

  __encode<W>(writer: W): void {
    writer.field<bool>("durable", this.durable);
    writer.field<string | null>("id", this.id);
  }
}

/**
 * Calls a service without waiting for it, and answers the id of the message as soon as the provider has it in its queue or,
 * for a durable one, as soon as it is on the disk. What the service answers is dropped; a failure is told to the operator. A
 * durable message that fails is tried again after growing pauses; after the last attempt, or when the provider refuses it
 * other than with `unavailable`, it is a dead letter. Needs the permission `services.call`, now and when the message is
 * delivered. Sends count as events for `limits.publishesPerSecond`.
 *
 * Fails with permission-denied, no-such-service, invalid-message (id), rate-limited (`retry-after-ms` says for how long),
 * queue-full (the provider's queue, or too much that this plugin or all together have sent waits), plugin-not-running,
 * quota-exceeded (size); a durable one not with plugin-not-running but with storage-failed.
 */
export function send(service: string, payload: Uint8Array, options: SendOptions): Result<string> {
  return textFrom(abi.services_send(textBlock(service), bytesBlock(payload), jsonBlock<SendOptions>(options)));
}

/** Who asked for the current turn. Stamped by the host; nobody can forge it. */
export function currentCaller(): Caller {
  return jsonFrom<Caller>(abi.services_current_caller()).value;
}
