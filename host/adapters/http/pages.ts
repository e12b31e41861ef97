// Pages of the host's own, under a policy that lets nothing in that is not of this host, and no inline script or style.

import type { FastifyReply } from "fastify";

const POLICY: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-cache",
};

const TYPES = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  script: "text/javascript; charset=utf-8",
  png: "image/png",
} as const;

export type PageType = keyof typeof TYPES;

/** `more` headers hold instead of the policy's. */
export const sendPage = (
  reply: FastifyReply,
  type: PageType,
  content: string | Buffer,
  more: Readonly<Record<string, string>> = {},
): FastifyReply =>
  reply
    .headers({ ...POLICY, ...more })
    .type(TYPES[type])
    .send(content);
