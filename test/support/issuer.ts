// A real issuer of OpenID Connect for tests, and a client of it that goes through its pages as a browser would.

import { generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Provider } from "oidc-provider";

export const CLIENT_ID = "bulkhead";
export const CLIENT_SECRET = "a secret of tests, long enough";

export interface TestIssuer extends AsyncDisposable {
  readonly url: string;
  /** Groups of whoever logs in, by his name there. */
  readonly groups: Map<string, unknown>;
  /** Answers instead of the issuer where it returns true. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** Paths that were asked for. */
  readonly asked: string[];
}

const rsaKey = (): object => ({
  ...generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey.export({ format: "jwk" }),
  ...{ kid: "rsa", use: "sig", alg: "RS256" },
});

/** On `localhost`, which is another site than 127.0.0.1. Browsers may come back to any of the addresses. */
export async function startIssuer(redirectUris: readonly string[], more: object = {}): Promise<TestIssuer> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  const groups = new Map<string, unknown>([["ada", ["operations", "strangers"]]]);
  const provider = new Provider(url, {
    jwks: { keys: [rsaKey()] },
    clients: [
      {
        ...{ client_id: CLIENT_ID, client_secret: CLIENT_SECRET, token_endpoint_auth_method: "client_secret_post" },
        ...{ redirect_uris: redirectUris, grant_types: ["authorization_code"], response_types: ["code"] },
      },
    ],
    claims: { openid: ["sub"], profile: ["groups"] },
    conformIdTokenClaims: false,
    findAccount: (_context: unknown, accountId: string) => ({
      accountId,
      claims: () => ({ sub: accountId, groups: groups.get(accountId) }),
    }),
    ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
    pkce: { required: () => true },
    cookies: { keys: ["of tests"] },
    features: { devInteractions: { enabled: true } },
    ...more,
  });
  const answer = provider.callback();
  const issuer: TestIssuer = {
    ...{ url, groups, intercept: undefined, asked: [] },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  server.on("request", (request, response) => {
    issuer.asked.push(request.url?.split("?", 1)[0] ?? "");
    if (issuer.intercept?.(request, response) !== true) answer(request, response);
  });
  return issuer;
}

/** Logs in there as somebody, from where a login begins; resolves with the address to which the browser is sent back. */
export async function logInAt(location: string, login: string): Promise<URL> {
  const { origin } = new URL(location);
  const cookies = new Map<string, string>();
  const go = async (url: URL, init: RequestInit = {}): Promise<Response> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(url, { ...init, redirect: "manual", headers: { ...init.headers, cookie } });
    for (const one of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(one) ?? [];
      cookies.set(name, value);
    }
    return response;
  };
  let url = new URL(location);
  for (let hop = 0; hop < 20 && url.origin === origin; hop += 1) {
    let response = await go(url);
    if (response.status === 200) {
      const html = await response.text();
      const [, prompt = ""] = /name="prompt" value="(\w+)"/.exec(html) ?? [];
      const action = new URL(/action="([^"]+)"/.exec(html)?.[1] ?? "", url);
      response = await go(action, { method: "POST", body: new URLSearchParams({ prompt, login, password: "any" }) });
    }
    url = new URL(response.headers.get("location") ?? "", url);
  }
  return url;
}
