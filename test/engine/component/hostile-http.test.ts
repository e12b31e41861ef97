// Components that misuse wasi:http: they ask for much at once, hold what they do not need, and speak for another turn. Whether anything was granted does not matter here.

import { describe, expect, it } from "vitest";
import type { Cell } from "../../../host/core/ports/cell.ts";
import type { Limits, TurnOutcome } from "../../../host/core/types.ts";
import { blockCodec } from "../../../host/engine/guest/blocks.ts";
import { type CellKind, createCell, runTurn } from "../../support/cells.ts";
import { componentImage, componentOf } from "../../support/components.ts";
import { memoryLog } from "../../support/memory-log.ts";

const WIT = `package test:a@0.1.0;
world guest {
  import wasi:http/types@0.2.0;
  import wasi:http/outgoing-handler@0.2.0;
  export serve: func();
  export later: func();
}
package wasi:http@0.2.0 {
  interface types {
    variant header-error { invalid-syntax, forbidden, immutable }
    record DNS-error-payload { rcode: option<string>, info-code: option<u16> }
    record TLS-alert-received-payload { alert-id: option<u8>, alert-message: option<string> }
    record field-size-payload { field-name: option<string>, field-size: option<u32> }
    variant error-code {
      DNS-timeout, DNS-error(DNS-error-payload), destination-not-found, destination-unavailable, destination-IP-prohibited,
      destination-IP-unroutable, connection-refused, connection-terminated, connection-timeout, connection-read-timeout,
      connection-write-timeout, connection-limit-reached, TLS-protocol-error, TLS-certificate-error,
      TLS-alert-received(TLS-alert-received-payload), HTTP-request-denied, HTTP-request-length-required, HTTP-request-body-size(option<u64>),
      HTTP-request-method-invalid, HTTP-request-URI-invalid, HTTP-request-URI-too-long, HTTP-request-header-section-size(option<u32>),
      HTTP-request-header-size(option<field-size-payload>), HTTP-request-trailer-section-size(option<u32>),
      HTTP-request-trailer-size(field-size-payload), HTTP-response-incomplete, HTTP-response-header-section-size(option<u32>),
      HTTP-response-header-size(field-size-payload), HTTP-response-body-size(option<u64>), HTTP-response-trailer-section-size(option<u32>),
      HTTP-response-trailer-size(field-size-payload), HTTP-response-transfer-coding(option<string>),
      HTTP-response-content-coding(option<string>), HTTP-response-timeout, HTTP-upgrade-failed, HTTP-protocol-error, loop-detected,
      configuration-error, internal-error(option<string>)
    }
    resource fields { constructor(); append: func(name: string, value: list<u8>) -> result<_, header-error>; clone: func() -> fields; }
    resource outgoing-body { write: func() -> result; finish: static func(this: outgoing-body, trailers: option<fields>) -> result<_, error-code>; }
    resource outgoing-request {
      constructor(headers: fields);
      body: func() -> result<outgoing-body>;
      set-path-with-query: func(path: option<string>) -> result;
    }
    resource request-options { }
    resource future-incoming-response { }
  }
  interface outgoing-handler {
    use types.{outgoing-request, request-options, future-incoming-response, error-code};
    handle: func(request: outgoing-request, options: option<request-options>) -> result<future-incoming-response, error-code>;
  }
}`;

const guest = (serve: string, later = "") => {
  const types = '"wasi:http/types@0.2.0"';
  return componentOf(
    `(module
    (import ${types} "[constructor]fields" (func $fields (result i32)))
    (import ${types} "[method]fields.append" (func $append (param i32 i32 i32 i32 i32 i32)))
    (import ${types} "[method]fields.clone" (func $clone (param i32) (result i32)))
    (import ${types} "[resource-drop]fields" (func $dropFields (param i32)))
    (import ${types} "[constructor]outgoing-request" (func $request (param i32) (result i32)))
    (import ${types} "[method]outgoing-request.body" (func $body (param i32 i32)))
    (import ${types} "[method]outgoing-request.set-path-with-query" (func $path (param i32 i32 i32 i32) (result i32)))
    (import ${types} "[static]outgoing-body.finish" (func $finish (param i32 i32 i32 i32)))
    (import ${types} "[resource-drop]future-incoming-response" (func $dropFuture (param i32)))
    (import "wasi:http/outgoing-handler@0.2.0" "handle" (func $handle (param i32 i32 i32 i32)))
    (memory (export "memory") 80)
    (global $kept (mut i32) (i32.const 0))
    (data (i32.const 8) "x-test")
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    ;; Headers of so many values of so many bytes.
    (func $filled (param $count i32) (param $size i32) (result i32) (local $f i32)
      (local.set $f (call $fields))
      (loop $more
        (call $append (local.get $f) (i32.const 8) (i32.const 6) (i32.const 65536) (local.get $size) (i32.const 64))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br_if $more (i32.gt_s (local.get $count) (i32.const 0))))
      (local.get $f))
    (func $send (param $headers i32) (call $handle (call $request (local.get $headers)) (i32.const 0) (i32.const 0) (i32.const 64)))
    (func (export "serve") (local $i i32) ${serve})
    (func (export "later") (local $i i32) ${later}))`,
    WIT,
    "guest",
  );
};

const ANSWER = blockCodec.encode("http.fetch", { status: 204, headers: [], body: new Uint8Array(0) });

/** A cell with an attacker and its neighbour; what the host was asked in which turn. */
async function boot(kind: CellKind, component: Uint8Array<ArrayBuffer>, limits: Partial<Limits> = {}) {
  const cell: Cell = createCell(kind, memoryLog());
  await cell.load(await componentImage("attacker", component, limits));
  await cell.load(await componentImage("neighbour", await guest("")));
  const asked: string[] = [];
  const answer = async (): Promise<Uint8Array<ArrayBuffer>> => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return ANSWER.slice();
  };
  const turn = (entryPoint = "serve"): Promise<TurnOutcome> =>
    runTurn(cell, "attacker", entryPoint, {
      answer: (name) => {
        asked.push(`${entryPoint} ${name}`);
        return answer();
      },
    });
  const neighbour = async (): Promise<boolean> => (await runTurn(cell, "neighbour", "serve")).ok;
  return { turn, neighbour, asked };
}

const failure = (outcome: TurnOutcome): { code: string; message: string } => (outcome.ok ? { code: "", message: "" } : outcome.error);

describe.each<CellKind>(["inline", "thread"])("in a cell of kind %s a component", (kind) => {
  it("that sends many requests at once has one after the other answered", async () => {
    const send = "(call $send (call $fields))";
    const { turn, neighbour } = await boot(kind, await guest(send.repeat(20)));
    expect((await turn()).ok).toBe(true);
    expect(await neighbour()).toBe(true);
    expect((await turn()).ok).toBe(true);
  });

  it("that holds headers in endless number is ended, with what it holds", async () => {
    const hoard = "(loop $more (drop (call $filled (i32.const 16) (i32.const 100000))) (br $more))";
    const { turn, neighbour } = await boot(kind, await guest(hoard));
    const { code, message } = failure(await turn());
    expect(code).toBe("memory-exhausted");
    expect(message).toMatch(
      /holds \d+ bytes in headers, bodies, answers and values that it did not drop; the limit is \d+ \(limits\.blockMiB\)/,
    );
    expect(await neighbour()).toBe(true);
  });

  it.each([
    [
      "copies of headers",
      "(local.set $i (call $filled (i32.const 16) (i32.const 100000))) (loop $more (drop (call $clone (local.get $i))) (br $more))",
    ],
    ["requests", "(loop $more (drop (call $request (call $filled (i32.const 16) (i32.const 100000)))) (br $more))"],
    [
      "long paths",
      "(loop $more (drop (call $path (call $request (call $fields)) (i32.const 1) (i32.const 65536) (i32.const 1000000))) (br $more))",
    ],
  ])("that holds %s in endless number is ended", async (_what, hoard) => {
    const { turn, neighbour } = await boot(kind, await guest(hoard));
    expect(failure(await turn())).toMatchObject({ code: "memory-exhausted", message: expect.stringContaining("bytes in headers") });
    expect(await neighbour()).toBe(true);
  });

  it("that sends more than a payload is refused before the host is asked", async () => {
    const fill = "(memory.fill (i32.const 65536) (i32.const 1) (i32.const 4000000))";
    const { turn, neighbour, asked } = await boot(
      kind,
      await guest(`${fill} (call $send (call $filled (i32.const 3) (i32.const 4000000)))`),
    );
    expect((await turn()).ok).toBe(true);
    // Control characters are six times as long in JSON.
    const escaped = await boot(kind, await guest(`${fill} (call $send (call $filled (i32.const 1) (i32.const 4000000)))`));
    expect((await escaped.turn()).ok).toBe(true);
    expect([...asked, ...escaped.asked]).toEqual([]);
    expect(await neighbour()).toBe(true);
  });
});

const APPEND = (handle: string): string =>
  `(call $append ${handle} (i32.const 8) (i32.const 6) (i32.const 65536) (i32.const 1) (i32.const 64))`;

describe("a handle", () => {
  it.each([
    ["that was never given", APPEND("(i32.const 77)")],
    ["of zero", APPEND("(i32.const 0)")],
    ["below zero", APPEND("(i32.const -1)")],
    ["beyond all tables", APPEND("(i32.const 0x7fffffff)")],
    ["dropped twice", "(local.set $i (call $fields)) (call $dropFields (local.get $i)) (call $dropFields (local.get $i))"],
    ["used when it is dropped", `(local.set $i (call $fields)) (call $dropFields (local.get $i)) ${APPEND("(local.get $i)")}`],
    ["used when it is given away", `(local.set $i (call $fields)) (drop (call $request (local.get $i))) ${APPEND("(local.get $i)")}`],
    ["given away twice", "(local.set $i (call $fields)) (drop (call $request (local.get $i))) (drop (call $request (local.get $i)))"],
    [
      "sent twice",
      "(local.set $i (call $request (call $fields))) (call $handle (local.get $i) (i32.const 0) (i32.const 0) (i32.const 64)) (call $handle (local.get $i) (i32.const 0) (i32.const 0) (i32.const 64))",
    ],
    ["of a request used as headers", APPEND("(call $request (call $fields))")],
    ["of headers sent as a request", "(call $handle (call $fields) (i32.const 0) (i32.const 0) (i32.const 64))"],
    ["of headers finished as a body", "(call $finish (call $fields) (i32.const 0) (i32.const 0) (i32.const 64))"],
    ["kept from the turn before", APPEND("(i32.const 1)")],
  ])("%s ends the guest, which is whole again in the next turn", async (_what, serve) => {
    const { turn, neighbour, asked } = await boot("inline", await guest(serve, "(call $dropFields (call $fields))"));
    const ended = await turn();
    expect(ended).toMatchObject({ ok: false, error: { code: "plugin-failed" }, broken: true });
    // What was sent first was sent by right.
    expect(asked.length).toBeLessThan(2);
    expect(await neighbour()).toBe(true);
    expect((await turn("later")).ok).toBe(true);
  });

  // jco passes over a first such drop, and gives the number to the next thing that is made. Whatever comes of it: what the guest holds is counted.
  it.each([["77"], ["1", "77"], ["77", "77"], ["0x3fffffff"], ["-1"]])(
    "that was never given and is dropped frees nothing: %s",
    async (...handles) => {
      const drops = handles.map((handle) => `(call $dropFields (i32.const ${handle}))`).join(" ");
      const hoard = "(loop $more (drop (call $filled (i32.const 16) (i32.const 100000))) (br $more))";
      const { turn, neighbour } = await boot("inline", await guest(`${drops} ${hoard}`));
      for (let i = 0; i < 2; i += 1) expect(failure(await turn()).code).toMatch(/^(memory-exhausted|plugin-failed)$/);
      expect(await neighbour()).toBe(true);
    },
  );
});

describe("a component", () => {
  it("that drops what it used makes as many requests as it likes", async () => {
    const many = `(loop $more
      (call $send (call $fields)) (call $dropFuture (i32.load (i32.const 72)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $more (i32.lt_s (local.get $i) (i32.const 300))))`;
    const { turn } = await boot("inline", await guest(many));
    for (let i = 0; i < 5; i += 1) expect(failure(await turn())).toEqual({ code: "", message: "" });
  });

  it("cannot send a request of one turn with the authority of another", async () => {
    const begin = `(global.set $kept (call $request (call $fields))) (call $body (global.get $kept) (i32.const 96))
      (call $handle (global.get $kept) (i32.const 0) (i32.const 0) (i32.const 64))`;
    const { turn, asked } = await boot(
      "inline",
      await guest(begin, "(call $finish (i32.load (i32.const 100)) (i32.const 0) (i32.const 0) (i32.const 64))"),
    );
    expect((await turn("serve")).ok).toBe(true);
    expect((await turn("later")).ok).toBe(true);
    expect(asked).toEqual([]);
  });
});
