// What this host provides to others: all services but those that act with their caller's authority, since grants are each host's own.

import { PROVIDER_LIMITS } from "../bounds/provider-limits.ts";
import { HostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { LogSink } from "../core/ports/log.ts";
import type { Bytes } from "../core/types.ts";
import type { CatalogService } from "../seams.ts";
import { type AnnouncedService, type Announcement, cutText } from "./words.ts";

export interface OwnPorts {
  readonly core: () => Host;
  readonly log: LogSink;
  /** Those that this host provides itself. */
  readonly services: () => readonly CatalogService[];
  readonly maxBytes: number;
}

const encoder = new TextEncoder();

export class OwnServices {
  readonly #ports: OwnPorts;
  #announced: ReadonlyMap<string, AnnouncedService> | undefined;
  #encoded: Bytes | undefined;

  constructor(ports: OwnPorts) {
    this.#ports = ports;
  }

  /** What is provided, or runs, is different from now on. */
  changed(): void {
    this.#announced = undefined;
    this.#encoded = undefined;
  }

  /** As JSON. */
  announcement(): Bytes {
    this.#encoded ??= this.#encode();
    return this.#encoded;
  }

  /** One that is provided to others. */
  find(service: string): { readonly isIdempotent: boolean } | undefined {
    const found = this.#all().get(service);
    return found && { isIdempotent: found.idempotent };
  }

  /** Why no turn would begin if it were called now; for a host that can ask another one then. */
  refusal(service: string): HostError | undefined {
    const plugin = this.#ports.core().plugin(this.#all().get(service)?.provider ?? "");
    if (plugin === undefined) return undefined;
    if (plugin.state !== "running") return new HostError("plugin-not-running", `${plugin.name} is ${plugin.state}`);
    const { mailboxLength } = plugin.limits;
    if (plugin.queued < mailboxLength) return undefined;
    return new HostError(
      "queue-full",
      `${plugin.name} has ${plugin.queued} turns queued; the limit is ${mailboxLength} (limits.mailboxLength)`,
    );
  }

  #all(): ReadonlyMap<string, AnnouncedService> {
    this.#announced ??= new Map(
      this.#ports
        .services()
        .map((service) => this.#announcedOf(service))
        .filter((one) => one !== undefined)
        .map((one) => [one.name, one]),
    );
    return this.#announced;
  }

  #announcedOf({ hosts: _hosts, isRead: _isRead, ...service }: CatalogService): AnnouncedService | undefined {
    const plugin = this.#ports.core().plugin(service.provider);
    if (plugin?.definition.services.some(({ name, asCaller }) => name === service.name && asCaller === true) === true) return undefined;
    const { deadlineMs, callDepth } = plugin?.limits ?? PROVIDER_LIMITS;
    const description = service.description && cutText(service.description);
    return { ...service, description, isRunning: plugin === undefined || plugin.state === "running", deadlineMs, callDepth };
  }

  #encode(): Bytes {
    const { plugins } = this.#ports.core();
    const whole: Announcement = {
      plugins: plugins.filter(({ state }) => state === "running").map(({ name }) => name),
      services: [...this.#all().values()],
      hears: [...new Set(plugins.flatMap(({ definition }) => definition.subscriptions.map(({ type }) => type)))],
    };
    const encoded = encoder.encode(JSON.stringify(whole));
    if (this.#fits(encoded)) return encoded;
    const bare = { ...whole, services: whole.services.map((service) => ({ ...service, input: undefined, output: undefined })) };
    this.#tell(`what this host provides takes ${encoded.length} bytes; other hosts are told of it without JSON Schemas`);
    return this.#shortened(bare);
  }

  #shortened(bare: Announcement): Bytes {
    for (let services = bare.services; ; services = services.slice(0, Math.floor(services.length / 2))) {
      const encoded = encoder.encode(JSON.stringify({ ...bare, services }));
      if (!this.#fits(encoded) && services.length > 0) continue;
      const left = bare.services.length - services.length;
      if (left > 0) this.#tell(`other hosts are told of ${services.length} services; ${left} more do not fit into one message`);
      return encoded;
    }
  }

  // Half of a message leaves room for what stands before it.
  #fits({ length }: Bytes): boolean {
    return length <= this.#ports.maxBytes / 2;
  }

  #tell(message: string): void {
    this.#ports.log.write({ level: "warning", plugin: "host", message });
  }
}
