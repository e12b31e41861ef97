// The exports of its module that a manifest names.

interface Entry {
  readonly entryPoint: string;
}

interface Naming {
  readonly services: Readonly<Record<string, Entry>>;
  readonly extends: Readonly<Record<string, Entry>>;
  readonly subscriptions: readonly Entry[];
  readonly watches: readonly Entry[];
  readonly schedules: readonly Entry[];
}

/** Everything that names an entry point, with where it does. */
export function namedEntryPoints({
  services,
  extends: points,
  subscriptions,
  watches,
  schedules,
}: Naming): { readonly entryPoint: string; readonly path: PropertyKey[] }[] {
  return [
    ...Object.entries(services).map(([name, { entryPoint }]) => ({ entryPoint, path: ["services", name, "entryPoint"] })),
    ...Object.entries(points).map(([name, { entryPoint }]) => ({ entryPoint, path: ["extends", name, "entryPoint"] })),
    ...subscriptions.map(({ entryPoint }, i) => ({ entryPoint, path: ["subscriptions", i, "entryPoint"] })),
    ...watches.map(({ entryPoint }, i) => ({ entryPoint, path: ["watches", i, "entryPoint"] })),
    ...schedules.map(({ entryPoint }, i) => ({ entryPoint, path: ["schedules", i, "entryPoint"] })),
  ];
}
