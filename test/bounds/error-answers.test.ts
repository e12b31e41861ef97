// The one table of what an error is outside of the host.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { answerTo, EXIT } from "../../host/bounds/error-answers.ts";
import { REASONS } from "../../host/bounds/refusals.ts";
import { HOST_ERROR_CODES } from "../../host/core/errors.ts";

const docs = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");
const rows = new Map(
  [...docs.matchAll(/^\| `([a-z-]+)` \| (\d+) \| `([A-Z_]+)` \|/gm)].map(([, name = "", http, grpc]) => [
    name,
    { http: Number(http), grpc },
  ]),
);

describe("what an error is outside of the host", () => {
  it("is said for every code, as the docs say it", () => {
    for (const code of HOST_ERROR_CODES) expect(answerTo({ code }), code).toMatchObject(rows.get(code) ?? expect.unreachable());
    for (const code of HOST_ERROR_CODES) expect(answerTo({ code }).http, code).toBeGreaterThanOrEqual(400);
  });

  it("is said for every reason that everybody has, and one for all that are declared", () => {
    const statuses = REASONS.map((reason) => {
      const { http, grpc } = answerTo({ code: "refused", reason });
      return [reason, http, grpc];
    });
    expect(statuses).toEqual([
      ["not-found", 404, "NOT_FOUND"],
      ["invalid-input", 400, "INVALID_ARGUMENT"],
      ["conflict", 409, "ABORTED"],
      ["forbidden", 403, "PERMISSION_DENIED"],
      ["unavailable", 503, "UNAVAILABLE"],
    ]);
    for (const [reason, http, grpc] of statuses) expect(docs).toContain(`\`${reason}\` ${http} \`${grpc}\``);
    expect(answerTo({ code: "refused", reason: "out-of-stock" }).http).toBe(422);
    expect(docs).toContain("declared ones 422");
  });

  it("never is the answer of a refusal for a code of the same name", () => {
    expect(answerTo({ code: "conflict", reason: "not-found" })).toEqual(answerTo({ code: "conflict" }));
    expect(answerTo({ code: "refused", reason: "permission-denied" }).http).toBe(422);
  });

  it("is an exit code of the command: refusals have one of their own, wrong usage too", () => {
    expect(answerTo({ code: "refused", reason: "conflict" }).exit).toBe(EXIT.refused);
    expect(answerTo({ code: "invalid-manifest" }).exit).toBe(EXIT.usage);
    expect(answerTo({ code: "plugin-failed" }).exit).toBe(EXIT.failed);
    expect(new Set(Object.values(EXIT)).size).toBe(Object.keys(EXIT).length);
  });
});
