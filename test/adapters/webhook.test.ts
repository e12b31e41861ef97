// examples/webhook as an operator runs it: built, behind the real HTTP adapter, and asked by somebody who knows the secret and by others who do not.

import { createHmac } from "node:crypto";
import { cpSync } from "node:fs";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildPlugin } from "../../host/cli/build.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { describeWith } from "../support/toolchains.ts";

const BUILD_TIMEOUT_MS = 600_000;
const EXAMPLE = fileURLToPath(new URL("../../examples/webhook", import.meta.url));
const SECRET = "a secret that both sides know";
const PUSH = '{"ref":"refs/heads/main", "commits":[{"message":"Grüße"}]}\n';
const signed = (body: string, secret = SECRET): string => `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;

await describeWith("python", "a webhook with a signature", () => {
  let folder: TemporaryFolder;
  let host: RunningHost;
  const published: string[] = [];

  beforeAll(async () => {
    folder = temporaryFolder();
    const at = join(folder.path, "webhook");
    cpSync(EXAMPLE, at, { recursive: true });
    await buildPlugin(at);
    const plugins = { webhook: { path: at, isolation: "inline", config: { secret: SECRET } } };
    const text = JSON.stringify({ dataDir: "data", adapters: { http: { port: 0 } }, plugins });
    host = await createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")), log: memoryLog() });
    host.core.events.subscribe("webhook.*", ({ type, data }) => published.push(`${type} ${new TextDecoder().decode(data)}`));
  }, BUILD_TIMEOUT_MS);
  afterAll(async () => {
    await host?.stop();
    folder?.remove();
  });

  const send = (method: string, path: string, body = "", headers: Record<string, string | string[]> = {}) =>
    new Promise<{ status: number | undefined; headers: IncomingHttpHeaders; text: string }>((resolve, reject) => {
      const asked = httpRequest(`${host.url}${path}`, { method, headers }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (piece: string) => {
          text += piece;
        });
        response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, text }));
      });
      asked.on("error", reject).end(body);
    });
  const push = async (body: string, headers: Record<string, string | string[]>): Promise<number | undefined> =>
    (await send("POST", "/webhook/site", body, { "content-type": "application/json", ...headers })).status;

  it("is taken when the signature is of its very bytes, whatever type it says to have", async () => {
    expect(await push(PUSH, { "x-hub-signature-256": signed(PUSH) })).toBe(204);
    const form = { "content-type": "application/x-www-form-urlencoded", "x-hub-signature-256": signed(PUSH) };
    expect(await push(PUSH, form)).toBe(204);
    expect(published).toEqual(Array.from({ length: 2 }, () => 'webhook.pushed {"project":"site","branch":"refs/heads/main"}'));
  });

  it("is refused without a signature, with that of another secret or another body, and with two", async () => {
    const before = published.length;
    expect(await push(PUSH, {})).toBe(401);
    expect(await push(PUSH, { "x-hub-signature-256": signed(PUSH, "guessed") })).toBe(401);
    expect(await push(PUSH.trim(), { "x-hub-signature-256": signed(PUSH) })).toBe(401);
    expect(await push(PUSH, { "x-hub-signature-256": ["sha256=0", signed(PUSH)] })).toBe(502);
    expect(await push("[]", { "x-hub-signature-256": signed("[]") })).toBe(422);
    expect(published.length).toBe(before);
  });

  it("shows an image that says how many there were, and that no browser runs", async () => {
    const { status, headers, text } = await send("GET", "/webhook/site/badge");
    expect([status, text]).toEqual([200, expect.stringContaining("2 pushes</text>")]);
    expect(headers).toMatchObject({ "content-type": "image/svg+xml", "cache-control": "no-cache" });
    expect(headers["content-security-policy"]).toMatch(/sandbox$/);
  });
});
