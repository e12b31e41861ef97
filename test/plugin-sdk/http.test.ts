// http.fetch as authors call it in every language: the one host function that takes and answers records with lists and bytes. Without headers and without a body, since
// that is where languages differ in what nothing is.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { buildPlugin } from "../../host/cli/build.ts";
import { makePlugin, TEMPLATES, type TemplateName } from "../../host/cli/new.ts";
import { type FakedRequest, loadPlugin } from "../../host/testing/index.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";
import { itWith } from "../support/toolchains.ts";

const TIMEOUT_MS = 600_000;

/** A service that is given a URL and answers status, first header and body, or the code of the refusal. */
const SOURCES: Readonly<Partial<Record<TemplateName, readonly [file: string, text: string]>>> = {
  assemblyscript: [
    "assembly/index.ts",
    `import { http, ok, textService } from "@bulkhead/assemblyscript";

export function get(): i32 {
  return textService((url) => {
    const answer = http.fetch(new http.Request(url));
    if (!answer.isOk) return ok<string>(answer.error.code);
    const found = answer.value;
    return ok<string>(found.status.toString() + " " + found.headers[0].name + " " + found.text());
  });
}
`,
  ],
  rust: [
    "src/lib.rs",
    `use bulkhead::http::{Request, fetch};

#[bulkhead::service]
fn get(url: String) -> String {
    match fetch(&Request { method: "GET".into(), url, headers: vec![] }, &[]) {
        Ok(answer) => format!("{} {} {}", answer.status, answer.headers[0].name, String::from_utf8_lossy(&answer.body)),
        Err(error) => error.code.name().into(),
    }
}
`,
  ],
  go: [
    "plugin.go",
    `package main

import (
	"fmt"

	bulkhead "bulkhead.local/sdk"
	"bulkhead.local/sdk/http"
)

//go:wasmexport get
func get() int32 {
	return bulkhead.TextService(func(url string) (string, error) {
		answer, err := http.Fetch(http.Request{Method: "GET", URL: url}, nil)
		if err != nil {
			return string(bulkhead.CodeOf(err)), nil
		}
		return fmt.Sprintf("%d %s %s", answer.Status, answer.Headers[0].Name, answer.Body), nil
	})
}

func main() {}
`,
  ],
  c: [
    "plugin.c",
    `#include <bulkhead.h>

BH_SERVICE(get, url) {
    bh_http_request request = {.method = bh_str("GET"), .url = url};
    bh_http_response answer;
    bh_bytes body = {0};
    bh_code code = bh_http_fetch(request, body, &answer);
    if (code != BH_OK) return bh_answer(bh_str(bh_code_name(code)));
    return bh_answer(bh_format("%d %.*s %.*s", (int)answer.status, BH_ARG(answer.headers.items[0].name), BH_ARG(answer.body)));
}
`,
  ],
  zig: [
    "src/plugin.zig",
    `const bulkhead = @import("bulkhead");

pub const panic = bulkhead.panic;

comptime {
    bulkhead.service("get", get);
}

fn get(url: []const u8) ![]const u8 {
    const answer = bulkhead.http.fetch(.{ .method = "GET", .url = url, .headers = &.{} }, "") catch |refused| return @errorName(refused);
    return bulkhead.format("{d} {s} {s}", .{ answer.status, answer.headers[0].name, answer.body.data });
}
`,
  ],
  javascript: [
    "src/index.js",
    `import { http, plugin } from "@bulkhead/sdk";

export const entryPoints = plugin({
  services: {
    get(request) {
      try {
        const { status, headers, body } = http.fetch({ method: "GET", url: request.text(), headers: [] }, new Uint8Array(0));
        return \`\${status} \${headers[0].name} \${new TextDecoder().decode(body)}\`;
      } catch (error) {
        return error.code;
      }
    },
  },
});
`,
  ],
  python: [
    "plugin.py",
    `from bulkhead import EntryPoints, HostError, Request, http, service

__all__ = ["EntryPoints"]


@service("get")
def get(request: Request) -> str:
    try:
        answer = http.fetch(http.Request("GET", request.text(), []), b"")
    except HostError as error:
        return error.code
    return f"{answer.status} {answer.headers[0].name} {answer.body.decode()}"
`,
  ],
};

const manifest = (wasm: string): object => ({
  ...{ name: "fetcher", version: "1.0.0", api: "0.2", wasm },
  services: { "fetcher.get": { entryPoint: "get" } },
  permissions: [{ permission: "http.fetch", resource: "https://api.test", reason: "to ask" }],
});

describe("http.fetch", async () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());

  it("is tried in every language", () => {
    const languages = Object.keys(SOURCES).map((name) => TEMPLATES[name as TemplateName].language);
    expect(languages.sort()).toEqual([...new Set(Object.values(TEMPLATES).map(({ language }) => language))].sort());
  });

  for (const [name, [file, text]] of Object.entries(SOURCES)) {
    const { title, language } = TEMPLATES[name as TemplateName];
    await itWith(
      language,
      `answers a plugin in ${title} that sends neither headers nor a body, and refuses as a value`,
      async () => {
        const at = await makePlugin(join(folder.path, `fetcher-${name}`), name as TemplateName);
        writeFileSync(join(at, file), text);
        writeFileSync(join(at, "plugin.json"), JSON.stringify(manifest("fetcher.wasm")));
        await buildPlugin(at);
        const asked: [FakedRequest, number][] = [];
        await using plugin = await loadPlugin(at, {
          http: (request, body) => {
            asked.push([request, body.bytes.length]);
            return { status: 203, headers: { "X-Size": "1" }, body: "Grüße 🌍" };
          },
        });
        expect((await plugin.call("fetcher.get", "https://api.test/v1?q=ü")).text()).toBe("203 x-size Grüße 🌍");
        expect(asked).toEqual([[{ method: "GET", url: "https://api.test/v1?q=%C3%BC", headers: {} }, 0]]);
        expect((await plugin.call("fetcher.get", "https://other.test/")).text().toLowerCase().replace("-", "")).toBe("permissiondenied");
      },
      TIMEOUT_MS,
    );
  }
});
