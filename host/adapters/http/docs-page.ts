// A page that shows the OpenAPI document and tries it out, of swagger-ui's own files. What plugins say of themselves is shown as text there, never as Markdown.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { FastifyInstance } from "fastify";
import { HostError } from "../../core/errors.ts";
import { type PageType, sendPage } from "./pages.ts";
import { DOCS_PAGE } from "./paths.ts";

/** An optional peer: the page is served where it is installed. */
export const PAGE_PACKAGE = { name: "swagger-ui-dist", range: "^5.35.0" } as const;

/** All that is served of the package. */
const FILES = {
  "swagger-ui.css": "css",
  "swagger-ui-bundle.js": "script",
  "favicon-32x32.png": "png",
} as const satisfies Readonly<Record<string, PageType>>;
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
  app.get("/v1/docs", async (_request, reply) => reply.redirect(DOCS_PAGE, 302));
  app.get(DOCS_PAGE, async (_request, reply) => {
    folderOf();
    return sendPage(reply, "html", PAGE);
  });
  app.get("/v1/docs/page.js", async (_request, reply) => sendPage(reply, "script", SCRIPT));
  for (const name of Object.keys(FILES) as FileName[])
    app.get(`/v1/docs/${name}`, async (_request, reply) => sendPage(reply, FILES[name], await readFile(join(folderOf(), name))));
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
