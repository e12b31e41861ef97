// What an adapter is given, for tests: the real door to a core, over manifests that the test changes.

import type { Operations } from "../../host/admin/operations.ts";
import type { Host } from "../../host/core/host.ts";
import type { LogSink } from "../../host/core/ports/log.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { adapterContext } from "../../host/lifecycle/adapter-context.ts";
import { type ContributionParser, LiveCatalog } from "../../host/lifecycle/catalog.ts";
import { DeclaredEvents } from "../../host/lifecycle/declared-events.ts";
import { KnownManifests } from "../../host/manifest/known-manifests.ts";
import { type Manifest, parseManifest } from "../../host/manifest/manifest.ts";
import type { AdapterContext, BlobTransfers } from "../../host/seams.ts";
import { blobsInMemory } from "./blobs.ts";

export interface TestContext {
  readonly context: AdapterContext;
  readonly manifests: KnownManifests;
}

export interface TestContextOptions {
  readonly log: LogSink;
  /** The adapter's name. */
  readonly adapter: string;
  readonly parse?: ContributionParser;
  readonly problems?: () => readonly string[];
  readonly operations?: Pick<Operations, "invoke">;
  readonly blobs?: BlobTransfers;
}

/** A manifest that has nothing but this to say to an adapter. */
export function contributing(plugin: string, contributes: Readonly<Record<string, unknown>>): Manifest {
  return parseManifest(JSON.stringify({ name: plugin, version: "1.0.0", api: "0.1", wasm: "plugin.wasm", contributes }), "plugin.json");
}

export function testContext(
  core: Host,
  { log, adapter, parse, problems = () => [], operations, blobs = blobsInMemory() }: TestContextOptions,
): TestContext {
  const manifests = new KnownManifests();
  const parsers = new Map(parse === undefined ? [] : [[adapter, parse]]);
  const catalog = new LiveCatalog({ core, manifests, parsers, native: { services: [], events: [], points: [] }, log });
  const nobody: Pick<Operations, "invoke"> = { invoke: () => Promise.reject(new Error("this test has no operations")) };
  const context = adapterContext(adapter, {
    ...{ core, operations: operations ?? nobody, catalog, clock: systemClock, log, problems },
    declared: new DeclaredEvents(manifests),
    blobs,
  });
  return { context, manifests };
}
