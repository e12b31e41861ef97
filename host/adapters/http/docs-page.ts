// A page that shows the OpenAPI document and tries it out: swagger-ui's own files under a policy that lets nothing in that is not of this host. What plugins
// say of themselves is shown as text there, never as Markdown.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { FastifyInstance, FastifyReply } from "fastify";
import { HostError } from "../../core/errors.ts";

/** An optional peer: the page is served where it is installed. */
export const PAGE_PACKAGE = { name: "swagger-ui-dist", range: "^5.35.0" } as const;

const POLICY: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-cache",
};

/** All that is served of the package. */
const FILES = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
  "favicon-32x32.png": "image/png",
} as const satisfies Readonly<Record<string, string>>;
type FileName = keyof typeof FILES;

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Bulkhead API</title>
<link rel="icon" type="image/png" href="favicon-32x32.png">
<link rel="stylesheet" href="swagger-ui.css">
</head>
<body>
<div id="page"></div>
<script src="swagger-ui-bundle.js"></script>
<script src="page.js"></script>
</body>
</html>
`;

// The document writes what would be markup as character references.
const SCRIPT = `const asText = (source) => String(source ?? "").replace(/&#(\\d+);/g, (_all, code) => String.fromCodePoint(Number(code)));
const textOnly = () => ({
  wrapComponents: {
    Markdown: (_original, { React }) => ({ source }) => React.createElement("p", { className: "text" }, asText(source)),
  },
});
SwaggerUIBundle({ url: "../openapi.json", dom_id: "#page", deepLinking: true, validatorUrl: null, persistAuthorization: false, plugins: [textOnly] });
`;

export function serveDocsPage(app: FastifyInstance): void {
  let folder: string | undefined;
  const folderOf = (): string => {
    folder ??= packageFolder();
    return folder;
  };
  const send = (reply: FastifyReply, type: string, content: string | Buffer): FastifyReply =>
    reply.headers(POLICY).type(type).send(content);
  app.get("/v1/docs", async (_request, reply) => reply.redirect("/v1/docs/", 302));
  app.get("/v1/docs/", async (_request, reply) => {
    folderOf();
    return send(reply, "text/html; charset=utf-8", PAGE);
  });
  app.get("/v1/docs/page.js", async (_request, reply) => send(reply, "text/javascript; charset=utf-8", SCRIPT));
  for (const name of Object.keys(FILES) as FileName[])
    app.get(`/v1/docs/${name}`, async (_request, reply) => send(reply, FILES[name], await readFile(join(folderOf(), name))));
}

/** Throws HostError `no-such-service` with the command that installs it. */
function packageFolder(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${PAGE_PACKAGE.name}/package.json`));
  } catch (cause) {
    const { name, range } = PAGE_PACKAGE;
    // Without scripts, for one of its dependencies reports installations to others.
    const command = `npm install --ignore-scripts "${name}@${range}"`;
    throw new HostError("no-such-service", `this page needs the package ${name}, which is not installed: ${command}`, { cause });
  }
}
