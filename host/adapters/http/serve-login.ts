// Logging in and out, for people by a page and for their programs. Whoever logs in gets a cookie, by which later requests are known.

import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { parseJsonInput } from "../../bounds/json-input.ts";
import { HostError } from "../../core/errors.ts";
import type { AdapterContext } from "../../seams.ts";
import { calledFrom } from "./credentials.ts";
import { LOGIN_SCRIPT, LOGIN_STYLE, loginPage } from "./login-page.ts";
import { sendPage } from "./pages.ts";
import { LOGIN, LOGIN_FILES } from "./paths.ts";
import { bytesOf } from "./payload.ts";
import { principalOf } from "./principal.ts";
import { serveIssuerLogin } from "./serve-issuer-login.ts";
import { clearCookie, requirePlace, type SessionCookies, setCookie } from "./session-cookie.ts";

/** A name and a password, however they are escaped. */
const MAX_LOGIN_BYTES = 8_192;
/** A login is nobody's to keep. */
const UNKEPT = { "cache-control": "no-store" };

const loginSchema: z.ZodType<{ readonly name: string; readonly password: string }> = z.strictObject({
  name: z.string(),
  password: z.string(),
});

export interface LoginPorts {
  readonly context: Pick<AdapterContext, "logins">;
  readonly cookies: SessionCookies;
}

export function serveLogin(app: FastifyInstance, { context, cookies }: LoginPorts): void {
  const page = loginPage(context.logins.issuer !== undefined);
  app.get(LOGIN, async (_request, reply) => sendPage(reply, "html", page));
  app.get(LOGIN_FILES.script, async (_request, reply) => sendPage(reply, "script", LOGIN_SCRIPT));
  app.get(LOGIN_FILES.style, async (_request, reply) => sendPage(reply, "css", LOGIN_STYLE));
  app.post(LOGIN, { bodyLimit: MAX_LOGIN_BYTES }, async (request, reply) => {
    const place = requirePlace(cookies, request.headers);
    const opened = await context.logins.byPassword({ ...given(request), from: calledFrom(request) });
    reply.headers({ ...UNKEPT, "set-cookie": setCookie(place, opened.secret) });
    return { principal: opened.principal, expiresAt: new Date(opened.expiresAt).toISOString() };
  });
  if (context.logins.issuer !== undefined) serveIssuerLogin(app, { issuer: context.logins.issuer, cookies });
  app.get("/v1/session", async (request, reply) => {
    reply.headers(UNKEPT);
    return { principal: principalOf(request).name };
  });
  app.post("/v1/logout", async (request, reply) => {
    const secret = cookies.secretOf(request.headers);
    if (secret === undefined) throw new HostError("invalid-message", "there is no session to end: the request shows no cookie of one");
    context.logins.end(secret, calledFrom(request));
    return reply
      .headers({ ...UNKEPT, "set-cookie": clearCookie(requirePlace(cookies, request.headers)) })
      .code(204)
      .send();
  });
}

function given(request: FastifyRequest): z.infer<typeof loginSchema> {
  const parsed = loginSchema.safeParse(parseJsonInput(bytesOf(request), "the login"));
  if (parsed.success) return parsed.data;
  throw new HostError("invalid-message", 'write {"name": "…", "password": "…"} and nothing else');
}
