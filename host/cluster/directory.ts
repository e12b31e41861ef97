// Which services there are on other hosts, and on which of them.

import type { CatalogService } from "../seams.ts";
import type { Member, Membership } from "./membership.ts";
import type { AnnouncedService } from "./words.ts";

export interface Place {
  readonly member: Member;
  readonly service: AnnouncedService;
}

/** A service as those together have it who provide it. */
export interface RemoteService {
  readonly name: string;
  readonly provider: string;
  readonly places: readonly Place[];
  /** Where they differ the longest of them, and what all of them promise. */
  readonly deadlineMs: number;
  readonly callDepth: number;
  readonly isIdempotent: boolean;
}

export class Directory {
  readonly #membership: Membership;
  #services: ReadonlyMap<string, RemoteService> | undefined;

  constructor(membership: Membership) {
    this.#membership = membership;
    membership.onChange(() => {
      this.#services = undefined;
    });
  }

  /** As of the last that was heard. */
  find(service: string): RemoteService | undefined {
    this.#services ??= servicesOf([...this.#membership.members.values()]);
    return this.#services.get(service);
  }

  /** For those who show services: in the words of the first host by name that provides it. */
  catalog(): readonly CatalogService[] {
    this.#services ??= servicesOf([...this.#membership.members.values()]);
    return [...this.#services.values()].flatMap(({ places }) => shownOf(places));
  }
}

function servicesOf(members: readonly Member[]): ReadonlyMap<string, RemoteService> {
  const places = new Map<string, Place[]>();
  for (const member of members.toSorted((one, other) => (one.name < other.name ? -1 : 1)))
    for (const service of member.announced.services) places.set(service.name, [...(places.get(service.name) ?? []), { member, service }]);
  return new Map([...places].map(([name, all]) => [name, together(name, all)]));
}

function together(name: string, places: readonly Place[]): RemoteService {
  const all = places.map(({ service }) => service);
  return {
    name,
    provider: name.slice(0, name.indexOf(".")),
    places,
    deadlineMs: Math.max(...all.map(({ deadlineMs }) => deadlineMs)),
    callDepth: Math.max(...all.map(({ callDepth }) => callDepth)),
    isIdempotent: all.every(({ idempotent }) => idempotent),
  };
}

function shownOf(places: readonly Place[]): readonly CatalogService[] {
  const [first] = places;
  if (first === undefined) return [];
  const { isRunning: _running, deadlineMs: _deadline, callDepth: _depth, ...service } = first.service;
  // Nobody here has read what another host says.
  return [{ ...service, isRead: false, hosts: places.map(({ member }) => member.name) }];
}
