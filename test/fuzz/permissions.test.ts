// Random patterns, manifests, grants and names against a slow reference that reads like docs/permissions.md, and names that try to cost time.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compilePattern, isDottedName, isPattern, isPluginName, isStateKey, printable } from "../../host/core/names.ts";
import { Permissions } from "../../host/core/permissions.ts";
import type { Grant } from "../../host/core/types.ts";
import { compileResource, PERMISSIONS } from "../../host/manifest/resources.ts";
import { PERMISSION_PORTS } from "../support/host-ports.ts";
import { codeOf, refusalOf } from "./codes.ts";
import { check } from "./runs.ts";

/** Tries every way to lay the pattern's segments on the name's. */
function obviouslyMatches(pattern: readonly string[], name: readonly string[]): boolean {
  const [head, ...rest] = pattern;
  if (head === undefined) return name.length === 0;
  if (name.length === 0) return false;
  if (head === "**") return name.some((_, i) => obviouslyMatches(rest, name.slice(i + 1)));
  return (head === "*" || head === name[0]) && obviouslyMatches(rest, name.slice(1));
}

function obviouslyAllowed(plugin: string, asked: readonly Grant[], granted: readonly Grant[], { permission, resource }: Grant): boolean {
  const name = resource.split(".");
  const isOwn = permission === "events.publish" && name.length > 1 && name[0] === plugin;
  const covers = (grant: Grant): boolean => grant.permission === permission && obviouslyMatches(grant.resource.split("."), name);
  const isDenied = granted.some((grant) => grant.effect === "deny" && covers(grant));
  return !isDenied && (isOwn || (asked.some(covers) && granted.some(covers)));
}

/** Segment by segment and character by character. */
function isObviouslyPattern(text: string): boolean {
  if (text === "**") return true;
  const segments = text.split(".");
  const isWord = (segment: string): boolean => segment !== "" && [...segment].every((letter) => /^[A-Za-z0-9_-]$/.test(letter));
  const ends = segments.length > 1 && segments.at(-1) === "**";
  return text.length <= 255 && segments.slice(0, ends ? -1 : undefined).every((segment) => segment === "*" || isWord(segment));
}

const WORDS = ["a", "b", "ab", "devices", "devicesx", "c-d", "1", "__proto__", "constructor", "toString", "hasOwnProperty"];
const STRANGE = ["", "**", "*", "ä", "A", " ", "a*", "\u0000", "\u{1f4a1}", "%2e", "\ud800", "..", "a\n"];
const word = fc.constantFrom(...WORDS);
const pattern = fc
  .tuple(fc.array(fc.oneof({ weight: 2, arbitrary: word }, { weight: 1, arbitrary: fc.constant("*") }), { maxLength: 4 }), fc.boolean())
  .map(([segments, deep]) => (deep || segments.length === 0 ? [...segments, "**"] : segments).join("."));
/** Mostly a name; a resource comes from the plugin, who may ask for anything. */
const resource = fc
  .array(fc.oneof({ weight: 12, arbitrary: word }, { weight: 1, arbitrary: fc.constantFrom(...STRANGE) }), { minLength: 1, maxLength: 5 })
  .map((segments) => segments.join("."));
const permission = fc.constantFrom(...PERMISSIONS.slice(0, 3));
const grants = fc.array(fc.record({ permission, resource: pattern }), { maxLength: 4 });
const denials = fc.array(fc.record({ permission, resource: pattern, effect: fc.constant("deny" as const) }), { maxLength: 2 });
const plugin = fc.constantFrom("a", "devices", "ab", "constructor");

describe("a pattern", () => {
  it("matches what a slow reference matches", async () => {
    let matched = 0;
    await check(fc.tuple(pattern, resource), 5_000, ([written, name]) => {
      const expected = obviouslyMatches(written.split("."), name.split("."));
      if (expected) matched += 1;
      expect(compilePattern(written)(name), `${written} on ${name}`).toBe(expected);
    });
    expect(matched).toBeGreaterThan(100);
  });

  it("is well-formed or refused, whatever text it is", async () => {
    let wellFormed = 0;
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(fc.constantFrom(...WORDS, ...STRANGE), { maxLength: 5 }).map((segments) => segments.join(".")),
    );
    await check(text, 3_000, (written) => {
      const expected = isObviouslyPattern(written);
      if (expected) wellFormed += 1;
      expect(isPattern(written), JSON.stringify(written)).toBe(expected);
      expect(codeOf(() => compilePattern(written))).toBe(expected ? undefined : "invalid-message");
    });
    expect(wellFormed).toBeGreaterThan(100);
  });
});

describe("permissions", () => {
  it("allow what a slow reference allows, and refuse the rest with a code", async () => {
    const verdicts = { allowed: 0, denied: 0 };
    const question = fc.oneof(fc.record({ permission, resource }), fc.record({ permission, resource: fc.string({ unit: "binary" }) }));
    await check(fc.tuple(plugin, grants, grants, denials, question), 5_000, ([name, asked, given, denied, wanted]) => {
      const granted = [...given, ...denied];
      const permissions = new Permissions(name, asked, granted, PERMISSION_PORTS);
      const expected = obviouslyAllowed(name, asked, granted, wanted);
      verdicts[expected ? "allowed" : "denied"] += 1;
      expect(permissions.allows(wanted.permission, wanted.resource)).toBe(expected);
      const refusal = refusalOf(() => permissions.require(wanted.permission, wanted.resource));
      expect(refusal?.code).toBe(expected ? undefined : "permission-denied");
      // A stranger's text stands in it.
      expect(refusal?.message ?? "").not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
    });
    expect(verdicts.allowed).toBeGreaterThan(100);
    expect(verdicts.denied).toBeGreaterThan(100);
  });

  it("never allow more with a grant less, or with a question less in the manifest", async () => {
    await check(fc.tuple(plugin, grants, grants, fc.record({ permission, resource })), 2_000, ([name, asked, granted, wanted]) => {
      const allows = (requests: readonly Grant[], given: readonly Grant[]): boolean =>
        new Permissions(name, requests, given, PERMISSION_PORTS).allows(wanted.permission, wanted.resource);
      if (allows(asked, granted)) return;
      expect(allows(asked.slice(1), granted)).toBe(false);
      expect(allows(asked, granted.slice(1))).toBe(false);
    });
  });
});

/** What servers do to a path before they look it up, each of them some of it, in some order. */
const SERVERS: readonly ((path: string) => string)[] = [
  (path) => path.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16))),
  (path) => path.toLowerCase(),
  (path) => path.replaceAll("\\", "/"),
  (path) => path.replace(/\/+/g, "/"),
  (path) => path.replace(/;[^/]*/g, ""),
  (path) => path.replace(/[?#].*/s, ""),
  (path) => path.replace(/\0.*/s, ""),
  (path) => path.replaceAll("\0", ""),
  (path) => path.replace(/[. ]+(?=\/|$)/g, ""),
  (path) => path.replaceAll("\xc0\xaf", "/").replaceAll("\xef\xbc\x8f", "/"),
  (path) => {
    const segments: string[] = [];
    for (const segment of path.split("/").slice(1)) {
      if (segment === "..") segments.pop();
      else if (segment !== ".") segments.push(segment);
    }
    return `/${segments.join("/")}`;
  },
];

/** All that some server may make of a path. */
function allReadings(path: string): ReadonlySet<string> {
  const readings = new Set([path]);
  for (const reading of readings) for (const read of SERVERS) readings.add(read(reading));
  return readings;
}

const isObviouslyBelow = (path: string, prefix: string): boolean => path === prefix || path.startsWith(`${prefix}/`);

const piece = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("/", "/admin", "/public", "/x") },
  {
    weight: 2,
    arbitrary: fc.constantFrom("admin", "Admin", "x", "/..", "%2f", "%252F", "%5c", "%00", "%61", "%2561", ";a=b", "%3b", "\\"),
  },
  fc.constantFrom("%3f", "%23", "%2e", "%252e", ".", "..", "%", "2", "5", "f", "%20", "%c0%af", "%ef%bc%8f", "%E4", "%25", "dmin", ";"),
);
/** As the client sends it. */
const sentPath = fc
  .array(piece, { minLength: 1, maxLength: 7 })
  .map((pieces) => new URL(`http://a.test/${pieces.join("").replace(/^\/+/, "")}`).pathname);
const plainPath = fc.array(fc.constantFrom("admin", "public", "x", "admin2"), { maxLength: 4 }).map((names) => `/${names.join("/")}`);

const fetching = (path: string): string => `GET http://a.test:80${path}`;
const requests: readonly Grant[] = [{ permission: "http.fetch", resource: "http://a.test" }];

describe("paths of requests", () => {
  it("are denied whenever some server takes them for what was denied", async () => {
    const denial: Grant = { permission: "http.fetch", resource: "http://a.test/admin", effect: "deny" };
    const permissions = new Permissions("p", requests, [...requests, denial], PERMISSION_PORTS);
    const verdicts = { disguised: 0, allowed: 0 };
    await check(sentPath, 4_000, (path) => {
      const isAllowed = permissions.allows("http.fetch", fetching(path));
      if (isAllowed) verdicts.allowed += 1;
      const denied = [...allReadings(path)].find((reading) => isObviouslyBelow(reading, "/admin"));
      if (denied !== undefined && denied !== path) verdicts.disguised += 1;
      expect(isAllowed && denied !== undefined, `${path} may be ${denied}`).toBe(false);
    });
    expect(verdicts.disguised).toBeGreaterThan(100);
    expect(verdicts.allowed).toBeGreaterThan(100);
  });

  it("are granted only when every server leaves them where the grant is", async () => {
    const permissions = new Permissions("p", requests, [{ permission: "http.fetch", resource: "http://a.test/public" }], PERMISSION_PORTS);
    const verdicts = { granted: 0, refused: 0 };
    await check(
      fc.oneof(
        sentPath,
        sentPath.map((path) => `/public${path}`),
      ),
      4_000,
      (path) => {
        const sent = new URL(`http://a.test${path}`).pathname;
        const isGranted = permissions.allows("http.fetch", fetching(sent));
        verdicts[isGranted ? "granted" : "refused"] += 1;
        if (!isGranted) return;
        for (const reading of allReadings(sent)) expect(isObviouslyBelow(reading, "/public"), `${sent} may be ${reading}`).toBe(true);
      },
    );
    expect(verdicts.granted).toBeGreaterThan(100);
    expect(verdicts.refused).toBeGreaterThan(100);
  });

  it("that say nothing in disguise are granted and denied as they are written", async () => {
    await check(fc.tuple(plainPath, plainPath), 2_000, ([written, path]) => {
      const prefix = written === "/" ? "" : written;
      for (const effect of ["allow", "deny"] as const)
        expect(compileResource("http.fetch", `http://a.test${prefix}`, effect)(fetching(path)), `${effect} ${written} on ${path}`).toBe(
          isObviouslyBelow(path, prefix),
        );
    });
  });

  it("are read at once however long they are", async () => {
    const units = fc.constantFrom("%25", "%", "/%2e", ";", "%2", "%252f", "..%5c", "%c0");
    await check(fc.tuple(units, fc.integer({ min: 10_000, max: 40_000 })), 50, ([unit, times]) => {
      const path = `/public/${unit.repeat(times)}41`;
      for (const effect of ["allow", "deny"] as const)
        expect(typeof compileResource("http.fetch", "http://a.test/public", effect)(fetching(path))).toBe("boolean");
    });
  });
});

describe("the grammar of names", () => {
  /** What makes a regular expression that backtracks take for ever: long runs that almost match. */
  const almost = fc
    .tuple(
      fc.constantFrom("a", "a.", "a-", "*.", "a-.", "0", "_"),
      fc.integer({ min: 10_000, max: 60_000 }),
      fc.constantFrom("", "!", ".", "**", "\n"),
    )
    .map(([unit, times, end]) => unit.repeat(times) + end);

  it("answers at once for long names that almost fit", async () => {
    await check(almost, 200, (text) => {
      for (const accepts of [isPluginName, isDottedName, isStateKey, isPattern]) expect(accepts(text)).toBe(false);
      expect(printable(text).length).toBeLessThan(1_000);
    });
  });

  it("matches long names against long patterns at once", async () => {
    const lengths = fc.record({ stars: fc.nat(100), segments: fc.integer({ min: 1, max: 20_000 }), last: word });
    await check(lengths, 100, ({ stars, segments, last }) => {
      const matches = compilePattern([...new Array<string>(stars).fill("*"), "a", "**"].join("."));
      expect(matches([...new Array<string>(segments).fill("a"), last].join("."))).toBe(segments >= stars + 1);
    });
  });
});
