// What each permission's resource matches: for every pattern something right, something denied and something that is no pattern.

import { describe, expect, it } from "vitest";
import type { Permission } from "../../host/core/types.ts";
import { compileResource, meaningOf, PERMISSIONS, unansweredBy } from "../../host/manifest/resources.ts";

interface Case {
  readonly permission: Permission;
  readonly pattern: string;
  readonly matches: readonly string[];
  readonly denies: readonly string[];
}

const NAMED = [
  ...[
    "events.publish",
    "events.subscribe",
    "events.durable",
    "services.call",
    "services.durable",
    "extensions.ask",
    "extensions.answer",
    "functions.call",
  ],
  ...["state.read", "state.write"],
] as const;
const named = (pattern: string, matches: string[], denies: string[]): Case[] =>
  NAMED.map((permission) => ({ permission, pattern, matches, denies }));

const CASES: readonly Case[] = [
  ...named("devices.created", ["devices.created"], ["devices", "devices.created.now", "device.created", ""]),
  ...named("devices.*", ["devices.a"], ["devices", "devices.a.b", "devicesx.a"]),
  ...named("*.created", ["devices.created"], ["created", "a.b.created"]),
  ...named("devices.**", ["devices.a", "devices.a.b.c"], ["devices", "devicesa.b"]),
  ...named("**", ["a", "a.b.c"], []),
  {
    permission: "http.fetch",
    pattern: "https://api.example.com",
    matches: ["GET https://api.example.com:443/", "DELETE https://api.example.com:443/any/path"],
    denies: [
      "GET http://api.example.com:80/",
      "GET https://api.example.com:8443/",
      "GET https://x.api.example.com:443/",
      "GET https://api.example.com.evil.test:443/",
      "GET https://evil.test:443/https://api.example.com:443/",
    ],
  },
  {
    permission: "http.fetch",
    pattern: "GET,HEAD https://api.example.com/v1",
    matches: ["GET https://api.example.com:443/v1", "HEAD https://api.example.com:443/v1/", "GET https://api.example.com:443/v1/things"],
    denies: [
      "POST https://api.example.com:443/v1",
      "GET https://api.example.com:443/v10",
      "GET https://api.example.com:443/",
      "GET https://api.example.com:443/V1",
      "GET https://api.example.com:443/v1/..%2fadmin",
      "GET https://api.example.com:443/v1/..%5Cadmin",
      "GET https://api.example.com:443/v1/%00",
    ],
  },
  {
    permission: "http.fetch",
    pattern: "https://*.example.com",
    matches: ["GET https://a.example.com:443/", "GET https://a.b.example.com:443/"],
    denies: ["GET https://example.com:443/", "GET https://badexample.com:443/"],
  },
  {
    permission: "http.fetch",
    pattern: "http://printer.local:*/jobs/",
    matches: ["POST http://printer.local:631/jobs/1", "POST http://printer.local:80/jobs"],
    denies: ["POST http://printer.local:631/jobsx", "POST https://printer.local:631/jobs"],
  },
  {
    permission: "http.fetch",
    pattern: "http://[fd00::1]:8080",
    matches: ["GET http://[fd00::1]:8080/"],
    denies: ["GET http://[fd00::2]:8080/"],
  },
  {
    permission: "http.private",
    pattern: "192.168.1.0/24",
    matches: ["192.168.1.7", "::ffff:192.168.1.7"],
    denies: ["192.168.2.7", "10.0.0.1", "fd00::1", "printer.local", ""],
  },
  { permission: "http.private", pattern: "fd00::/8", matches: ["fd12::1"], denies: ["fe80::1", "192.168.1.7"] },
  { permission: "http.private", pattern: "::ffff:10.0.0.0/104", matches: ["10.1.2.3", "::ffff:10.1.2.3"], denies: ["11.0.0.1"] },
  { permission: "secrets.read", pattern: "API_TOKEN", matches: ["API_TOKEN"], denies: ["api_token", "API_TOKEN2", ""] },
  {
    permission: "host.observe",
    pattern: "devices",
    matches: ["devices"],
    denies: ["device", "devices2", "devices.x", "Devices", "other", ""],
  },
  {
    permission: "keys.sign",
    pattern: "tokens",
    matches: ["tokens"],
    denies: ["token", "tokens2", "tokens.x", "Tokens", "issuer/tokens", ""],
  },
];

// What some server takes for /admin, and what none does.
const DENIED = [
  ...["/admin", "/admin/", "/admin/x", "/admin/x%2fy", "/admin%2fx", "/admin/%00", "/admin%00", "/admin%5cx", "/%61dmin", "/%2561dmin"],
  ...["//admin", "/%2fadmin", "/;x/admin", "/admin;a=b", "/admin;a=b/x", "/Admin", "/ADM%49N/x", "/x/%252e%252e/admin", "/x/..;/admin"],
  ...[
    "/x%2f..%2fadmin",
    "/x/..%5cadmin",
    "/x%c0%af..%c0%afadmin",
    "/%EF%BD%81dmin",
    "/admin%3fx",
    "/admin%23",
    "/admin.",
    "/admin%20",
    "/adm%00in",
  ],
];
const NOT_DENIED = ["/", "/administrator", "/x", "/x/admin", "/x%2fadmin", "/a%20b", "/%61", "/x;admin", "/a.b/c", "/%C3%A4"];
// Where a grant for /public would lead out of it on some server.
const LEADS_OUT = [
  ...[
    "/public/%2e%2e%2fadmin",
    "/public/..%2fadmin",
    "/public/..%252fadmin",
    "/public/..;/admin",
    "/public/..;a=b/admin",
    "/public/..%5cadmin",
  ],
  ...[
    "/public/..%00/x",
    "/public%00",
    "/public/..%c0%afadmin",
    "/public/..%EF%BC%8Fadmin",
    "/public%2fx",
    "/Public",
    "/%70ublic",
    "//public",
  ],
];

const MALFORMED: Readonly<Record<string, readonly string[]>> = {
  "services.call": ["", "a..b", "a*", "**.a", "a.**.b", "a b"],
  "http.fetch": [
    ...["", "*", "api.example.com", "ftp://api.example.com", "https://", "https://*", "https://a.*.com", "https://api.example.com:99999"],
    ...[
      "get https://api.example.com",
      "GET  https://api.example.com",
      "https://user@api.example.com",
      "https://API.example.com",
      "http://127.1",
    ],
    ...["https://api.example.com/a b", "https://api.example.com/ü"],
  ],
  "http.private": ["", "192.168.1.1", "192.168.1.0/33", "*", "10.0.0.0/8, 192.168.0.0/16", "localhost/8"],
  "secrets.read": ["", "*", "a b", "__proto__", "9lives", "x".repeat(64)],
  "keys.sign": ["", "*", "**", "tokens.*", "Tokens", "a b", "__proto__", "9lives", "x".repeat(64)],
};

describe("resources", () => {
  it("are tested for every permission", () => {
    expect(new Set(CASES.map(({ permission }) => permission))).toEqual(new Set(PERMISSIONS));
  });

  it.each(CASES)("$permission on $pattern matches what it says and nothing else", ({ permission, pattern, matches, denies }) => {
    const compiled = compileResource(permission, pattern);
    for (const resource of matches) expect(compiled(resource), resource).toBe(true);
    for (const resource of denies) expect(compiled(resource), resource).toBe(false);
  });

  it.each(DENIED)("a denial of /admin holds for %s", (path) => {
    const denies = compileResource("http.fetch", "https://api.example.com/admin", "deny");
    expect(denies(`GET https://api.example.com:443${path}`)).toBe(true);
  });

  it.each(NOT_DENIED)("a denial of /admin leaves %s alone", (path) => {
    const denies = compileResource("http.fetch", "https://api.example.com/admin", "deny");
    expect(denies(`GET https://api.example.com:443${path}`)).toBe(false);
  });

  it("a denial holds for all ways to write its host", () => {
    const denies = compileResource("http.fetch", "http://10.0.0.1", "deny");
    expect(denies("GET http://[::ffff:a00:1]:80/")).toBe(true);
    const byName = compileResource("http.fetch", "https://*.example.com", "deny");
    expect(byName("GET https://api.example.com.:443/")).toBe(true);
    expect(compileResource("http.fetch", "https://api.example.com.", "deny")("GET https://api.example.com:443/")).toBe(true);
  });

  it("a denial whose own path means different things to different servers holds for the whole host", () => {
    const denies = compileResource("http.fetch", "https://api.example.com/x/..;/admin", "deny");
    expect(denies("GET https://api.example.com:443/anything")).toBe(true);
    expect(denies("GET https://other.example.com:443/anything")).toBe(false);
  });

  it.each(LEADS_OUT)("a grant for /public does not hold for %s", (path) => {
    const allows = compileResource("http.fetch", "https://api.example.com/public");
    expect(allows(`GET https://api.example.com:443${path}`)).toBe(false);
  });

  it("a grant with an escape holds for the same escape", () => {
    const allows = compileResource("http.fetch", "https://git.example.com/projects/a%2fb");
    expect(allows("GET https://git.example.com:443/projects/a%2fb/files")).toBe(true);
    expect(allows("GET https://git.example.com:443/projects/a%2Fb/files")).toBe(false);
    expect(allows("GET https://git.example.com:443/projects/a%2fb/x%2fy")).toBe(false);
  });

  it.each(
    Object.entries(MALFORMED).flatMap(([permission, patterns]) => patterns.map((pattern) => [permission as Permission, pattern] as const)),
  )("%s has no resource %j", (permission, pattern) => {
    expect(() => compileResource(permission, pattern)).toThrow(expect.objectContaining({ code: "invalid-message" }));
  });

  it.each(PERMISSIONS)("%s refuses a pattern of more than 512 characters", (permission) => {
    expect(() => compileResource(permission, `https://a.test/${"x".repeat(600)}`)).toThrow("512 characters");
  });
});

describe("who answers a point", () => {
  const answer = (resource: string, effect?: "deny") => ({ permission: "extensions.answer", resource, effect });

  it("is told what it receives before it is granted", () => {
    expect(meaningOf("extensions.answer", "shop.discount")).toBe("receives what shop sends");
    expect(meaningOf("extensions.answer", "shop.**")).toBe("receives what shop sends");
    for (const wide of ["**", "*.discount"]) expect(meaningOf("extensions.answer", wide)).toBe("receives what anybody sends");
    for (const other of ["extensions.ask", "services.call", "http.fetch"]) expect(meaningOf(other, "shop.discount")).toBeUndefined();
  });

  it("is whom a request or grant speaks of", () => {
    const points = ["shop.discount", "shop.price"];
    expect(unansweredBy(points, [])).toEqual(points);
    expect(unansweredBy(points, [answer("shop.price"), { permission: "extensions.ask", resource: "**" }])).toEqual(["shop.discount"]);
    expect(unansweredBy(points, [answer("shop.*")])).toEqual([]);
    // Whoever denied it knows.
    expect(unansweredBy(points, [answer("**", "deny")])).toEqual([]);
  });
});
