// What the servers let one host of a cluster do: what it needs, and nothing in another one's name. Written into the servers' own configuration, so a host that was
// taken over is held to it by them.

import { bucketNames, streamOf, subjectsOf } from "./layout.ts";

export interface HostPermissions {
  readonly publish: { readonly allow: readonly string[] };
  readonly subscribe: { readonly allow: readonly string[] };
  /** No turn takes longer (limits.deadlineMs). */
  readonly allow_responses: { readonly max: 1; readonly expires: string };
}

/** `inbox` is what `inboxOf` says of its key. */
export function permissionsOf(prefix: string, host: string, inbox: string): HostPermissions {
  const copies = bucketNames.flatMap((bucket) => {
    const stream = streamOf(prefix, bucket);
    return [
      `${subjectsOf(prefix, bucket)}>`,
      `$JS.API.STREAM.INFO.${stream}`,
      `$JS.API.STREAM.MSG.GET.${stream}`,
      `$JS.API.CONSUMER.CREATE.${stream}.>`,
      `$JS.API.CONSUMER.INFO.${stream}.*`,
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.*`,
    ];
  });
  return {
    publish: {
      allow: [
        `${prefix}.ask.*.${host}`,
        `${prefix}.stop.*.${host}`,
        `${prefix}.beats.${host}.>`,
        `${prefix}.events.${host}.>`,
        "$JS.API.INFO",
        ...copies,
      ],
    },
    subscribe: {
      allow: [
        `${prefix}.ask.${host}.*`,
        `${prefix}.stop.${host}.*`,
        `${prefix}.answers.${host}.>`,
        `${prefix}.beats.>`,
        `${prefix}.events.>`,
        `${inbox}.>`,
      ],
    },
    allow_responses: { max: 1, expires: "15m" },
  };
}
