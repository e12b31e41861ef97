// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// Request and reply between plugins. Which services a plugin provides stands in its manifest under `services`.

export * from "../services";
import * as abi from "../imports";
import { jsonFrom, optionalTextFrom } from "../answers";

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

/** Who asked for the current turn. Stamped by the host; nobody can forge it. */
export function currentCaller(): Caller {
  return jsonFrom<Caller>(abi.services_current_caller()).value;
}

/**
 * Who came by the adapter that asked for the current turn, as the host knows him: such as `user:ada`, `token:ci` or
 * `anonymous`. None when no adapter asked. Stamped by the host; nobody can forge it.
 */
export function currentPrincipal(): string | null {
  return optionalTextFrom(abi.services_current_principal()).value;
}
