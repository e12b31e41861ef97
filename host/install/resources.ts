// What the resource of each permission looks like, and how one is matched. Every matcher is linear in the length of what it is asked about.

import ipaddr from "ipaddr.js";
import { HostError } from "../core/errors.ts";
import { compilePattern, type Matcher, printable } from "../core/names.ts";
import type { Permission } from "../core/permissions.ts";

const MAX_RESOURCE_LENGTH = 512;
const HTTP_RESOURCE = /^(?:([A-Z]+(?:,[A-Z]+)*) )?(https?):\/\/(\*\.)?([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}|\*))?(\/[!-~]*)?$/;
const SECRET_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;
// What a server may take for a separator although a URL does not: behind it the path could lead out of what was granted.
const HIDDEN_SEPARATOR = /%2f|%5c|%00|\\/i;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: "80", https: "443" };

const COMPILERS: { readonly [P in Permission]: (resource: string) => Matcher } = {
  "events.publish": compilePattern,
  "events.subscribe": compilePattern,
  "services.call": compilePattern,
  "state.read": compilePattern,
  "state.write": compilePattern,
  "http.fetch": compileUrls,
  "http.private": compileAddresses,
  "secrets.read": compileSecret,
};

export const PERMISSIONS: readonly Permission[] = Object.keys(COMPILERS) as Permission[];

/** Throws HostError `invalid-message` for a resource that the permission does not have. */
export function compileResource(permission: Permission, resource: string): Matcher {
  if (resource.length > MAX_RESOURCE_LENGTH) throw malformed(resource, `write at most ${MAX_RESOURCE_LENGTH} characters`);
  return COMPILERS[permission](resource);
}

// The subject is what adapters/http-client/request.ts makes of a URL, `GET https://host:443/path`, so its parts stand where a URL has them.
function compileUrls(resource: string): Matcher {
  const parts = HTTP_RESOURCE.exec(resource);
  if (parts === null || Number(parts[5]) > 65_535) {
    throw malformed(
      resource,
      "write [METHODS ]scheme://host[:port][/path], such as GET https://api.example.com/v1 or https://*.example.com",
    );
  }
  const [, methods, scheme = "", wildcard, host = "", port = DEFAULT_PORTS[scheme], path = "/"] = parts;
  // 127.1 would never match, since what it is compared with was normalised.
  const written = URL.parse(`${scheme}://${host}`)?.hostname;
  if (written !== host) throw malformed(resource, `write the host as URLs have it${written === undefined ? "" : `: ${written}`}`);
  const allowed = methods?.split(",");
  const prefix = path.endsWith("/") ? path : `${path}/`;
  return (subject) => {
    const [method = "", url = ""] = subject.split(" ", 2);
    if (allowed !== undefined && !allowed.includes(method)) return false;
    if (!url.startsWith(`${scheme}://`)) return false;
    const slash = url.indexOf("/", scheme.length + 3);
    const authority = url.slice(scheme.length + 3, slash);
    const colon = authority.lastIndexOf(":");
    const name = authority.slice(0, colon);
    if (port !== "*" && authority.slice(colon + 1) !== port) return false;
    if (wildcard === undefined ? name !== host : !name.endsWith(`.${host}`)) return false;
    const rest = url.slice(slash);
    if (prefix === "/") return true;
    return !HIDDEN_SEPARATOR.test(rest) && `${rest}/`.startsWith(prefix);
  };
}

function compileAddresses(resource: string): Matcher {
  if (!ipaddr.isValidCIDR(resource)) throw malformed(resource, "write a range of addresses such as 192.168.1.0/24 or fd00::/8");
  const range = ipaddr.parseCIDR(resource);
  return (subject) => {
    if (!ipaddr.isValid(subject)) return false;
    const address = ipaddr.process(subject);
    return address.kind() === range[0].kind() && address.match(range);
  };
}

function compileSecret(resource: string): Matcher {
  if (!SECRET_NAME.test(resource)) throw malformed(resource, "write the name of a secret: letters, digits, _ and -");
  return (subject) => subject === resource;
}

function malformed(resource: string, remedy: string): HostError {
  return new HostError("invalid-message", `"${printable(resource)}" is no resource of this permission; ${remedy}`);
}
