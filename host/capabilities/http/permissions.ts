// What the resources of the permissions of HTTP look like: URLs, ranges of addresses, names of secrets. Every matcher is linear in the length of what it is
// asked about.

import ipaddr from "ipaddr.js";
import type { Matcher } from "../../core/names.ts";
import { malformedResource } from "../../core/permissions.ts";
import type { Effect } from "../../core/types.ts";
import type { PermissionKind } from "../../seams.ts";
import { mayLieBelow, readPath } from "./url-paths.ts";

const HTTP_RESOURCE = /^(?:([A-Z]+(?:,[A-Z]+)*) )?(https?):\/\/(\*\.)?([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}|\*))?(\/[!-~]*)?$/;
const MAPPED_BITS = 96;
const SECRET_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: "80", https: "443" };

export const HTTP_PERMISSIONS: Readonly<Record<string, PermissionKind>> = {
  "http.fetch": { compile: compileUrls, namesUnder: urlsUnder },
  "http.private": { compile: compileAddresses, namesUnder: (range) => [range.slice(0, range.indexOf("/"))] },
  "secrets.read": { compile: compileSecret },
};

// The subject is what request.ts makes of a URL, `GET https://host:443/path`, so its parts stand where a URL has them.
function compileUrls(resource: string, effect: Effect): Matcher {
  const parts = HTTP_RESOURCE.exec(resource);
  if (parts === null || Number(parts[5]) > 65_535) {
    throw malformedResource(
      resource,
      "write [METHODS ]scheme://host[:port][/path], such as GET https://api.example.com/v1 or https://*.example.com",
    );
  }
  const [, methods, scheme = "", wildcard, host = "", port = DEFAULT_PORTS[scheme], path = "/"] = parts;
  // 127.1 would never match, since what it is compared with was normalised.
  const written = URL.parse(`${scheme}://${host}`)?.hostname;
  if (written !== host) throw malformedResource(resource, `write the host as URLs have it${written === undefined ? "" : `: ${written}`}`);
  const allowed = methods?.split(",");
  const matchesPath = effect === "deny" ? compileDeniedPath(path) : compileGrantedPath(path);
  return (subject) => {
    const [method = "", url = ""] = subject.split(" ", 2);
    if (allowed !== undefined && !allowed.includes(method)) return false;
    if (!url.startsWith(`${scheme}://`)) return false;
    const slash = url.indexOf("/", scheme.length + 3);
    const authority = url.slice(scheme.length + 3, slash);
    const colon = authority.lastIndexOf(":");
    const asked = authority.slice(0, colon);
    const name = effect === "deny" ? plainName(asked) : asked;
    if (port !== "*" && authority.slice(colon + 1) !== port) return false;
    const own = effect === "deny" ? plainName(host) : host;
    if (wildcard === undefined ? name !== own : !name.endsWith(`.${own}`)) return false;
    return matchesPath(url.slice(slash));
  };
}

/** Below what is written, letter by letter, and without anything behind it that a server may take for a way out. */
function compileGrantedPath(path: string): Matcher {
  const written = path.replace(/\/$/, "");
  if (written === "") return () => true;
  return (asked) => {
    const rest = asked.slice(written.length);
    if (!asked.startsWith(written) || (rest !== "" && !rest.startsWith("/"))) return false;
    const { isDoubtful, hidesSlash } = readPath(rest);
    return !isDoubtful && !hidesSlash;
  };
}

/** Whatever a server may take for what is written, or for something below it. */
function compileDeniedPath(path: string): Matcher {
  const denied = readPath(path);
  return denied.segments.length === 0 ? () => true : (asked) => mayLieBelow(readPath(asked), denied);
}

/** The same for all ways to write a host: a name may end with the root's dot, and an IPv4 address may stand in an IPv6 one. */
function plainName(host: string): string {
  const address = host.replace(/^\[(.*)\]$/, "$1");
  return ipaddr.isValid(address) ? ipaddr.process(address).toString() : host.replace(/\.$/, "");
}

function compileAddresses(resource: string): Matcher {
  if (!ipaddr.isValidCIDR(resource)) throw malformedResource(resource, "write a range of addresses such as 192.168.1.0/24 or fd00::/8");
  const range = plainRange(ipaddr.parseCIDR(resource));
  return (subject) => {
    if (!ipaddr.isValid(subject)) return false;
    const address = ipaddr.process(subject);
    return address.kind() === range[0].kind() && address.match(range);
  };
}

// What is asked about is never written as an IPv4 address in an IPv6 one.
function plainRange([address, bits]: [ipaddr.IPv4 | ipaddr.IPv6, number]): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  const isMapped = address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= MAPPED_BITS;
  return isMapped ? [address.toIPv4Address(), bits - MAPPED_BITS] : [address, bits];
}

function compileSecret(resource: string): Matcher {
  if (!SECRET_NAME.test(resource)) throw malformedResource(resource, "write the name of a secret: letters, digits, _ and -");
  return (subject) => subject === resource;
}

function urlsUnder(pattern: string): readonly string[] {
  const [, methods = "GET,POST,PUT,DELETE", url = ""] = /^(?:(\S+) )?(\S+)$/.exec(pattern) ?? [];
  const { protocol, hostname, port, pathname } = new URL(url.replace("://*.", "://x.").replace(/:\*(?=\/|$)/, ":1"));
  const effectivePort = port || (protocol === "https:" ? "443" : "80");
  return methods.split(",").map((method) => `${method} ${protocol}//${hostname}:${effectivePort}${pathname}`);
}
