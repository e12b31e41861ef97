// Logging in at an issuer: a browser is sent there and comes back. What it shows then besides the issuer's answer is a cookie that only it was given.

import type { FastifyInstance, FastifyRequest } from "fastify";
import type { IssuerLogins } from "../../seams.ts";
import { calledFrom } from "./credentials.ts";
import { RETURNED_PAGE } from "./login-page.ts";
import { sendPage } from "./pages.ts";
import { ISSUER_LOGIN, ISSUER_RETURN } from "./paths.ts";
import { requirePlace, type SessionCookies, setCookie, setLoginCookie } from "./session-cookie.ts";

const RETURN_WITHIN_S = 600;
const UNKEPT = { "cache-control": "no-store", "referrer-policy": "no-referrer" };

export interface IssuerLoginPorts {
  readonly issuer: IssuerLogins;
  readonly cookies: SessionCookies;
}

export function serveIssuerLogin(app: FastifyInstance, { issuer, cookies }: IssuerLoginPorts): void {
  app.get(ISSUER_LOGIN, { exposeHeadRoute: false }, async (request, reply) => {
    const place = requirePlace(cookies, request.headers);
    const { location, binding } = await issuer.begin({ redirectUri: place.origin + ISSUER_RETURN, from: calledFrom(request) });
    return reply.headers({ ...UNKEPT, "set-cookie": setLoginCookie(place, binding, RETURN_WITHIN_S) }).redirect(location, 303);
  });
  app.get(ISSUER_RETURN, { exposeHeadRoute: false }, async (request, reply) => {
    const place = requirePlace(cookies, request.headers);
    const [, query = ""] = /\?(.*)/s.exec(request.url) ?? [];
    const { secret } = await issuer.finish({ query, binding: cookies.bindingOf(request.headers), from: calledFrom(request) });
    reply.header("set-cookie", [setCookie(place, secret), setLoginCookie(place, "", 0)]);
    return sendPage(reply, "html", RETURNED_PAGE, UNKEPT);
  });
}

/** Whether a browser comes back from the issuer, which is the one request that a page of another origin may send it to. */
export const isReturn = (request: FastifyRequest): boolean =>
  request.headers["sec-fetch-mode"] === "navigate" &&
  request.headers["sec-fetch-dest"] === "document" &&
  request.method === "GET" &&
  request.routeOptions.url === ISSUER_RETURN;
