// Requests of plugins: where they may go, what is checked again at each hop, what they may cost, and that a secret stays one.

import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { OwnListeners } from "../../host/bounds/own-listeners.ts";
import { isPublic, type Lookup } from "../../host/capabilities/http/addresses.ts";
import type { HttpRules } from "../../host/capabilities/http/client.ts";
import { type HttpClientOptions, httpClientOptions, PluginHttpClient } from "../../host/capabilities/http/client.ts";
import { HostError } from "../../host/core/errors.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { compileResource } from "../../host/manifest/resources.ts";

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

interface Answer {
  readonly status: number;
  readonly headers: readonly { name: string; value: string }[];
  readonly body: Uint8Array;
}

const LOOPBACK = [{ address: "127.0.0.1", family: 4 }] as const;
const SECRET = "s3cr3t-value";
const SECRETS = {
  TOKEN: SECRET,
  LONGER: `${SECRET}-and-more`,
  OVERLAPPING: "and-more-than-that",
  MIXED: 'MixedCase/Käse+"x"',
  LARGE: "y".repeat(4_096),
};

describe("a plugin's HTTP client", () => {
  let server: Server;
  let port: number;
  let seen: Seen[];
  let handle: (request: IncomingMessage, response: ServerResponse) => void;
  let looked: string[];
  let asked: string[];
  let denied: (permission: string, resource: string) => boolean;
  let revoke: AbortController;
  let listeners: OwnListeners;

  const lookup: Lookup = async (name) => {
    looked.push(name);
    return LOOPBACK;
  };
  const clientWith = (options: Partial<HttpClientOptions> = {}, find: Lookup = lookup): PluginHttpClient =>
    new PluginHttpClient(
      {
        clock: systemClock,
        lookup: find,
        ownListeners: listeners,
        secrets: {
          find: (name) => {
            const value = new Map(Object.entries(SECRETS)).get(name);
            return value === undefined ? undefined : { value, mayGoTo: compileResource("http.fetch", `http://api.test:${port}`) };
          },
        },
      },
      { ...httpClientOptions.parse({}), ...options },
    );
  const rules = (more: Partial<HttpRules> = {}): HttpRules => ({
    plugin: "p",
    revoked: revoke.signal,
    deadline: systemClock.monotonicMs() + 10_000,
    maxAnswerBytes: 100_000,
    spend: () => {},
    require(permission, resource) {
      asked.push(`${permission} ${resource}`);
      if (denied(permission, resource)) throw new HostError("permission-denied", `no ${permission} for ${resource}`);
    },
    ...more,
  });
  const url = (path = "/", host = "api.test"): string => `http://${host}:${port}${path}`;
  const get = (path?: string, more: object = {}): object => ({ method: "GET", url: url(path), headers: [], ...more });
  const fetch = async (
    request: unknown,
    body = "",
    more: Partial<HttpRules> = {},
    client = clientWith(),
  ): Promise<Answer & { text: string }> => {
    const answer = (await client.fetch(request, new TextEncoder().encode(body), rules(more))) as Answer;
    return { ...answer, text: Buffer.from(answer.body).toString() };
  };
  const refusal = async (work: Promise<unknown>): Promise<HostError> => {
    const thrown: unknown = await work.then(
      () => undefined,
      (error: unknown) => error,
    );
    if (thrown instanceof HostError) return thrown;
    throw new Error("it was not refused", { cause: thrown });
  };

  beforeAll(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { method, headers } = request;
        seen.push({ method, url: request.url, headers, body: Buffer.concat(chunks).toString() });
        handle(request, response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  beforeEach(() => {
    seen = [];
    looked = [];
    asked = [];
    denied = () => false;
    revoke = new AbortController();
    listeners = new OwnListeners();
    handle = (_request, response) => response.end("hello");
  });
  afterEach(() => server.closeAllConnections());

  it("makes the request as it was written, with the host's own headers, and answers status, headers and bytes", async () => {
    handle = (_request, response) => response.writeHead(201, { "x-kind": ["a", "b"], connection: "close" }).end(Buffer.from([0, 255, 10]));
    const request = { method: "POST", url: url("/a/b?q=1#part"), headers: [{ name: "Content-Type", value: "text/plain" }] };
    const answer = await fetch(request, "Grüße");
    expect(seen).toMatchObject([
      { method: "POST", url: "/a/b?q=1", body: "Grüße", headers: { host: `api.test:${port}`, "content-length": "7" } },
    ]);
    expect(answer.status).toBe(201);
    expect(Buffer.from(answer.body)).toEqual(Buffer.from([0, 255, 10]));
    expect(answer.headers.filter(({ name }) => name === "x-kind").map(({ value }) => value)).toEqual(["a", "b"]);
    expect(answer.headers.map(({ name }) => name)).not.toContain("connection");
    expect(asked).toEqual([`http.fetch POST http://api.test:${port}/a/b`, "http.private 127.0.0.1"]);
  });

  it.each([
    ["another method", { method: "TRACE" }, "method"],
    ["a method in lower case", { method: "get" }, "method"],
    ["another scheme", { url: "file:///etc/passwd" }, "http or https"],
    ["a relative URL", { url: "/v1" }, "http or https"],
    ["a user in the URL", { url: "https://user:pass@api.test/" }, "user or a password"],
    ["a long URL", { url: `https://api.test/${"x".repeat(9_000)}` }, "url"],
    ["a header of the connection", { headers: [{ name: "Transfer-Encoding", value: "chunked" }] }, "host writes this header"],
    ["the host header", { headers: [{ name: "HOST", value: "internal" }] }, "host writes this header"],
    ["a length of its own", { headers: [{ name: "content-length", value: "0" }] }, "host writes this header"],
    ["a line break in a value", { headers: [{ name: "x", value: "a\r\nhost: b" }] }, "header's value"],
    ["a line break in a name", { headers: [{ name: "x\r\ny", value: "a" }] }, "name of a header"],
    ["many headers", { headers: Array.from({ length: 65 }, () => ({ name: "x", value: "y" })) }, "headers"],
    ["large headers", { headers: Array.from({ length: 20 }, () => ({ name: "x", value: "y".repeat(1_000) })) }, "16384 bytes"],
    ["a key that it does not know", { redirect: "follow" }, "redirect"],
  ])("refuses %s before anything is asked or sent", async (_what, change, message) => {
    const error = await refusal(fetch(get("/", change)));
    expect(error).toMatchObject({ code: "invalid-message", message: expect.stringContaining(message) });
    expect([asked, looked, seen]).toEqual([[], [], []]);
  });

  it.each([undefined, null, 1, "GET /", [], { __proto__: null, method: "GET" }])("refuses %j as a request", async (request) => {
    expect(await refusal(fetch(request))).toMatchObject({ code: "invalid-message" });
  });

  it("looks up and sends nothing without the permission for method and URL", async () => {
    denied = (permission) => permission === "http.fetch";
    expect(await refusal(fetch(get()))).toMatchObject({ code: "permission-denied" });
    expect([looked, seen]).toEqual([[], []]);
  });

  it("connects to no address that is not public without the permission for it, by name or by number", async () => {
    denied = (permission) => permission === "http.private";
    expect(await refusal(fetch(get()))).toMatchObject({ code: "permission-denied", message: expect.stringContaining("127.0.0.1") });
    for (const host of ["127.0.0.1", "0x7f000001", "2130706433", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0"]) {
      expect(await refusal(fetch({ ...get(), url: url("/", host) })), host).toMatchObject({ code: "permission-denied" });
    }
    expect(seen).toEqual([]);
  });

  it.each([
    ["8.8.8.8", true],
    ["2606:4700:4700::1111", true],
    ["127.0.0.1", false],
    ["10.1.2.3", false],
    ["172.16.0.1", false],
    ["192.168.1.1", false],
    ["169.254.169.254", false],
    ["168.63.129.16", false],
    ["100.64.0.1", false],
    ["100.100.100.200", false],
    ["0.0.0.0", false],
    ["224.0.0.1", false],
    ["255.255.255.255", false],
    ["::1", false],
    ["::", false],
    ["fe80::1", false],
    ["fd00:ec2::254", false],
    ["::ffff:8.8.8.8", true],
    ["::ffff:10.0.0.1", false],
    ["64:ff9b::a00:1", false],
    ["2002:a00:1::", false],
    ["2001:0:a00:1::", false],
    ["nonsense", false],
  ])("takes %s for public: %s", (address, expected) => {
    expect(isPublic(address)).toBe(expected);
  });

  it("asks for a name once each hop and connects to what it was told, so that a second answer changes nothing", async () => {
    let times = 0;
    const rebinding: Lookup = async () => {
      times += 1;
      return times === 1 ? LOOPBACK : [{ address: "127.0.0.2", family: 4 }];
    };
    expect((await fetch(get(), "", {}, clientWith({}, rebinding))).text).toBe("hello");
    expect(times).toBe(1);
    expect(asked).toContain("http.private 127.0.0.1");
  });

  it("never connects to a private address that comes along with a public one", async () => {
    // 203.0.114.1 is public, and nothing answers there.
    const mixed = clientWith({ timeoutMs: 300 }, async () => [...LOOPBACK, { address: "203.0.114.1", family: 4 }]);
    const error = await refusal(fetch(get(), "", {}, mixed));
    expect(["deadline-exceeded", "http-failed"]).toContain(error.code);
    expect(asked).toEqual([`http.fetch GET http://api.test:${port}/`]);
    expect(seen).toEqual([]);
  });

  it("says that a name has no address, without the resolver's words", async () => {
    const failing = clientWith({}, () => Promise.reject(Object.assign(new Error("getaddrinfo 10.0.0.53"), { code: "ENOTFOUND" })));
    const error = await refusal(fetch(get(), "", {}, failing));
    expect(error).toMatchObject({ code: "http-failed", message: "the name api.test cannot be resolved (ENOTFOUND)" });
    expect(
      await refusal(
        fetch(
          get(),
          "",
          {},
          clientWith({}, async () => []),
        ),
      ),
    ).toMatchObject({ code: "http-failed" });
  });

  describe("the host's own doors", () => {
    const ways = (): readonly string[] => [
      ...["api.test", "127.0.0.1", "127.1", "2130706433", "0x7f.1", "localhost", "0.0.0.0", "0", "127.9.9.9"],
      ...["[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"],
      ...Object.values(networkInterfaces()).flatMap((found) =>
        (found ?? []).map(({ address, family }) => (family === "IPv6" ? `[${address}]` : address)),
      ),
    ];

    it("are reached by no name and no address of this machine, whatever was granted", async () => {
      listeners.addAddress(`http://0.0.0.0:${port}`);
      const client = clientWith({}, async (name) => (name === "localhost" ? [{ address: "::1", family: 6 }, ...LOOPBACK] : LOOPBACK));
      for (const way of ways()) {
        const error = await refusal(fetch({ method: "GET", url: url("/", way), headers: [] }, "", {}, client));
        expect([error.code, error.message], way).toEqual(["permission-denied", expect.stringContaining("is this host itself")]);
      }
      expect(seen).toEqual([]);
    });

    it("are reached by no redirect either, and what else listens here is", async () => {
      const own = createServer((_request, response) => response.end("inside"));
      await new Promise<void>((resolve) => own.listen(0, "127.0.0.1", resolve));
      const { port: ownPort } = own.address() as AddressInfo;
      listeners.add(ownPort);
      for (const way of ways()) {
        handle = (_request, response) => response.writeHead(302, { location: `http://${way}:${ownPort}/v1/plugins` }).end();
        expect((await refusal(fetch(get()))).message, way).toContain("is this host itself");
      }
      handle = (_request, response) => response.end("hello");
      expect((await fetch(get())).text).toBe("hello");
      await new Promise((resolve) => own.close(resolve));
    });
  });

  describe("redirects", () => {
    const redirect = (status: number, location: string) => {
      handle = ({ url: path }, response) => {
        if (path === "/start") response.writeHead(status, { location }).end("moved");
        else response.end("there");
      };
    };

    it.each([
      [301, "POST", "GET", ""],
      [302, "POST", "GET", ""],
      [303, "PUT", "GET", ""],
      [307, "POST", "POST", "data"],
      [308, "PUT", "PUT", "data"],
    ])("follows %i of a %s as %s", async (status, method, then, body) => {
      redirect(status, "/end");
      const headers = [{ name: "content-type", value: "text/plain" }];
      expect((await fetch({ method, url: url("/start"), headers }, "data")).text).toBe("there");
      expect(seen[1]).toMatchObject({ method: then, url: "/end", body });
      expect(seen[1]?.headers["content-type"]).toBe(body === "" ? undefined : "text/plain");
    });

    it("checks permission and address again, and goes nowhere else", async () => {
      redirect(302, `http://internal.test:${port}/admin`);
      denied = (_permission, resource) => resource.includes("internal.test");
      expect(await refusal(fetch(get("/start")))).toMatchObject({ code: "permission-denied" });
      expect(seen.map(({ url: path }) => path)).toEqual(["/start"]);
      expect(looked).toEqual(["api.test"]);
    });

    it("does not follow to another scheme, and not for ever", async () => {
      redirect(302, "file:///etc/passwd");
      expect(await refusal(fetch(get("/start")))).toMatchObject({ code: "invalid-message" });
      redirect(302, "/start");
      expect(await refusal(fetch(get("/start")))).toMatchObject({ code: "http-failed", message: expect.stringContaining("5 times") });
    });

    it("takes credentials along to the same origin only", async () => {
      const headers = [
        { name: "Authorization", value: "Bearer x" },
        { name: "cookie", value: "a=b" },
        { name: "x-key", value: "{{secret:TOKEN}}" },
        { name: "x-plain", value: "y" },
      ];
      redirect(302, "/end");
      await fetch(get("/start", { headers }));
      expect(seen[1]?.headers).toMatchObject({ authorization: "Bearer x", cookie: "a=b", "x-key": SECRET });
      redirect(302, `http://other.test:${port}/end`);
      await fetch(get("/start", { headers }));
      expect(seen[3]?.headers).toMatchObject({ "x-plain": "y" });
      for (const name of ["authorization", "cookie", "x-key"]) expect(seen[3]?.headers[name], name).toBeUndefined();
    });
  });

  describe("secrets", () => {
    const withSecret = (name = "TOKEN", host?: string): object => ({
      method: "GET",
      url: url("/", host),
      headers: [{ name: "authorization", value: `Bearer {{secret:${name}}}` }],
    });

    it("are filled in towards the hosts they were given for, after asking for the permission", async () => {
      await fetch(withSecret());
      expect(seen[0]?.headers.authorization).toBe(`Bearer ${SECRET}`);
      expect(asked).toContain("secrets.read TOKEN");
    });

    it("go nowhere else, and a missing one is refused in the same words", async () => {
      const elsewhere = await refusal(fetch(withSecret("TOKEN", "other.test")));
      const missing = await refusal(fetch(withSecret("NONE", "other.test")));
      expect(elsewhere).toMatchObject({ code: "permission-denied", message: expect.stringContaining("--to http://other.test") });
      expect(missing.message).toBe(elsewhere.message.replaceAll("TOKEN", "NONE"));
      denied = (permission) => permission === "secrets.read";
      expect(await refusal(fetch(withSecret()))).toMatchObject({ code: "permission-denied" });
      expect(seen).toEqual([]);
    });

    it("are hidden from an answer that echoes them, in the body and in headers", async () => {
      handle = ({ headers }, response) =>
        response.writeHead(200, { "x-echo": headers.authorization ?? "" }).end(`${headers.authorization}, ${SECRET}!`);
      const answer = await fetch(withSecret());
      expect(answer.text).toBe(`Bearer ${"*".repeat(SECRET.length)}, ${"*".repeat(SECRET.length)}!`);
      expect(JSON.stringify(answer)).not.toContain(SECRET);
    });

    it("are hidden from an answer after a redirect that carries them on in its address", async () => {
      handle = ({ headers, url: path }, response) => {
        if (path === "/") response.writeHead(302, { location: `http://other.test:${port}/${headers.authorization?.slice(7)}` }).end();
        else response.end(`you asked for ${path}`);
      };
      expect((await fetch(withSecret())).text).toBe(`you asked for /${"*".repeat(SECRET.length)}`);
      // Nor did it travel: it may not go there.
      expect(seen[1]?.url).toBe(`/${"*".repeat(SECRET.length)}`);
      expect(JSON.stringify(asked)).not.toContain(SECRET);
    });

    it("are hidden from the names of headers, in lower case too", async () => {
      handle = (_request, response) => response.writeHead(200, { [SECRET]: "a", "X-MixedCase": "b" }).end();
      const answer = await fetch(withSecret());
      expect(answer.headers.map(({ name }) => name)).toContain("*".repeat(SECRET.length));
      expect(JSON.stringify(answer)).not.toContain(SECRET);
    });

    it.each([
      ["a refused redirect", (port: number) => `http://other.test:${port}/x/${SECRET}`],
      ["an address that is none", (_port: number) => `nonsense://${SECRET}`],
      ["a name that cannot be resolved", (port: number) => `http://${SECRET}.unknown.test:${port}/`],
      ["a port where nobody listens", (_port: number) => `http://${SECRET.toUpperCase()}.test:1/`],
    ])("are hidden from what is said, asked and written down of %s", async (_what, location) => {
      handle = (_request, response) => response.writeHead(302, { location: location(port) }).end();
      denied = (permission, resource) => permission === "http.fetch" && resource.includes("other.test");
      const failing: Lookup = async (name) => (name.includes("unknown") ? [] : lookup(name));
      const error = await refusal(fetch(withSecret(), "", {}, clientWith({}, failing)));
      for (const told of [error.message, error.detail, asked, looked])
        expect(JSON.stringify(told) ?? "").not.toMatch(new RegExp(SECRET, "i"));
    });

    it("are hidden to the last letter when one begins with, or within, another", async () => {
      handle = (_request, response) => response.end(`${SECRETS.LONGER}-than-that ${SECRET} ${SECRETS.LONGER}`);
      const headers = Object.keys(SECRETS).map((name) => ({ name: "x", value: `{{secret:${name}}}` }));
      const { text } = await fetch(get("/", { headers }));
      expect(text).toBe(["-and-more-than-that", "", "-and-more"].map((rest) => "*".repeat(SECRET.length + rest.length)).join(" "));
    });

    it("are hidden in one case, in URLs, in UTF-8 and in JSON", async () => {
      const { MIXED } = SECRETS;
      const forms = [MIXED.toLowerCase(), MIXED.toUpperCase(), encodeURIComponent(MIXED), MIXED, JSON.stringify(MIXED)];
      handle = (_request, response) => response.end(forms.join("\n"));
      const { text } = await fetch(get("/", { headers: [{ name: "x", value: "{{secret:MIXED}}" }] }));
      expect(text).not.toMatch(/mixed|k.*se/i);
    });

    it("are counted as what they are, not as their placeholders", async () => {
      const many = (count: number): object => get("/", { headers: [{ name: "x", value: "{{secret:LARGE}}".repeat(count) }] });
      expect((await fetch(many(3))).text).toBe("hello");
      const error = await refusal(fetch(many(400)));
      expect(error).toMatchObject({ code: "invalid-message", message: expect.stringContaining("16384 bytes once their secrets") });
      expect(seen).toHaveLength(1);
    });
  });

  describe("limits", () => {
    it("ends at the size of the answer, before it is all there", async () => {
      let sent = 0;
      handle = (_request, response) => {
        const more = (): void => {
          while (!response.destroyed) {
            sent += 65_536;
            if (!response.write(Buffer.alloc(65_536))) break;
          }
        };
        response.on("drain", more);
        more();
      };
      const error = await refusal(fetch(get()));
      expect(error).toMatchObject({ code: "quota-exceeded", message: expect.stringContaining("100000 bytes") });
      expect(sent).toBeLessThan(64 * 1024 * 1024);
    });

    it("does not decompress, so that a small answer stays small", async () => {
      handle = (_request, response) => response.writeHead(200, { "content-encoding": "gzip" }).end("not even gzip");
      expect((await fetch(get())).text).toBe("not even gzip");
    });

    it("ends an answer with endless headers", async () => {
      handle = (_request, response) =>
        response.writeHead(200, Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`x${i}`, "y".repeat(1_000)]))).end();
      expect(await refusal(fetch(get()))).toMatchObject({ code: "http-failed" });
    });

    it("ends at the deadline while nothing, or little, comes", async () => {
      for (const silent of [() => {}, (_request: IncomingMessage, response: ServerResponse) => void response.write("a")]) {
        handle = silent;
        const soon = { deadline: systemClock.monotonicMs() + 150 };
        expect(await refusal(fetch(get(), "", soon))).toMatchObject({ code: "deadline-exceeded" });
      }
      expect(await refusal(fetch(get(), "", {}, clientWith({ timeoutMs: 100 })))).toMatchObject({ code: "deadline-exceeded" });
    });

    it("ends at the deadline while the name is looked up", async () => {
      const never = clientWith({ timeoutMs: 100 }, () => new Promise(() => {}));
      expect(await refusal(fetch(get(), "", {}, never))).toMatchObject({ code: "deadline-exceeded" });
    });

    it("has only so many requests of a plugin at a time, and room again afterwards", async () => {
      const waiting: ServerResponse[] = [];
      const client = clientWith({ concurrency: 2 });
      const arrived = Promise.withResolvers<void>();
      handle = (_request, response) => {
        waiting.push(response);
        if (waiting.length === 2) arrived.resolve();
      };
      const two = [fetch(get(), "", {}, client), fetch(get(), "", {}, client)];
      await arrived.promise;
      expect(await refusal(fetch(get(), "", {}, client))).toMatchObject({
        code: "rate-limited",
        message: expect.stringContaining("limit is 2"),
      });
      handle = (_request, response) => response.end("other");
      expect((await fetch(get(), "", { plugin: "q" }, client)).text).toBe("other");
      for (const response of waiting) response.end("late");
      expect((await Promise.all(two)).map(({ text }) => text)).toEqual(["late", "late"]);
      expect((await fetch(get(), "", {}, client)).text).toBe("other");
    });

    it("ends when the permission is taken away, and closes the connection", async () => {
      const closed = Promise.withResolvers<void>();
      handle = (request) => {
        request.on("close", () => closed.resolve());
        revoke.abort();
      };
      expect(await refusal(fetch(get()))).toMatchObject({ code: "permission-denied" });
      await closed.promise;
    });

    it("says what failed without an address when the server breaks off or is not there", async () => {
      handle = (request) => request.socket.destroy();
      expect(await refusal(fetch(get()))).toMatchObject({ code: "http-failed" });
      const error = await refusal(fetch({ ...get(), url: "http://api.test:1/" }));
      expect(error).toMatchObject({ code: "http-failed", message: "GET http://api.test:1 failed (ECONNREFUSED)" });
    });
  });

  it("speaks TLS with the name that was asked for, whatever the address, and refuses another's certificate", async () => {
    const pem = (name: string): string => readFileSync(new URL(`./tls/${name}`, import.meta.url), "utf8");
    const tls = createTlsServer({ key: pem("api.test.key"), cert: pem("api.test.crt") }, (request, response) =>
      response.end(request.headers.host),
    );
    await new Promise<void>((resolve) => tls.listen(0, "127.0.0.1", resolve));
    const trusted = getCACertificates();
    try {
      const at = (host: string): object => ({ method: "GET", url: `https://${host}:${(tls.address() as AddressInfo).port}/`, headers: [] });
      expect(await refusal(fetch(at("api.test")))).toMatchObject({ code: "http-failed" });
      setDefaultCACertificates([...trusted, pem("api.test.crt")]);
      expect((await fetch(at("api.test"))).text).toContain("api.test:");
      expect(await refusal(fetch(at("other.test")))).toMatchObject({ code: "http-failed", message: expect.stringContaining("ALTNAME") });
    } finally {
      setDefaultCACertificates(trusted);
      tls.closeAllConnections();
      await new Promise((resolve) => tls.close(resolve));
    }
  });
});
