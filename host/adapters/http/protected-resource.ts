// What a client of MCP that has no token is told, so that it finds who makes one (RFC 9728 and RFC 6750).

import type { FastifyRequest } from "fastify";
import type { TokenIssuer } from "../../seams.ts";
import { MCP, MCP_METADATA } from "./paths.ts";

interface ProtectedResource {
  readonly resource: string;
  readonly authorization_servers: readonly string[];
  readonly bearer_methods_supported: readonly string[];
  readonly resource_name: string;
}

/** What its own address is only a proxy may know; an issuer's audience that is an address says it. */
export function protectedResource(issuers: readonly TokenIssuer[], request: FastifyRequest): ProtectedResource {
  const named = issuers.map(({ audience }) => audience).find((audience) => /^https?:\/\//.test(audience));
  return {
    resource: named ?? `${originOf(request)}${MCP}`,
    authorization_servers: issuers.map(({ issuer }) => issuer),
    bearer_methods_supported: ["header"],
    resource_name: "Bulkhead",
  };
}

/** The header WWW-Authenticate of a 401. */
export function challengeOf(request: FastifyRequest): string {
  const challenge = 'Bearer realm="bulkhead"';
  if (request.routeOptions.url !== MCP) return challenge;
  const shown = request.headers.authorization === undefined ? "" : ', error="invalid_token"';
  return `${challenge}${shown}, resource_metadata="${originOf(request)}${MCP_METADATA}"`;
}

// The Host header has been held against the names that are ours.
const originOf = ({ protocol, headers }: FastifyRequest): string => `${protocol}://${headers.host}`;
