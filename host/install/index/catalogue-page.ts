// What a catalogue looks like. Its script puts everything on the page as text, and its policy lets nothing run but that script.

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** `data` is JSON in which nothing ends a script. */
export const cataloguePage = (data: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer">
<title>Plugins</title>
<link rel="stylesheet" href="catalogue.css">
</head>
<body>
<main>
<h1>Plugins</h1>
<label>Search <input id="query" type="search" maxlength="256" autocomplete="off" spellcheck="false" autofocus></label>
<p id="count" role="status"></p>
<ol id="plugins"></ol>
<p id="made"></p>
</main>
<script type="application/json" id="data">${data}</script>
<script src="catalogue.js"></script>
</body>
</html>
`;

export const CATALOGUE_STYLE = `body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; background: #f4f5f7; color: #1c1e21; }
main { max-width: 50rem; margin: 0 auto; padding: 2rem 1rem; }
h1 { font-size: 1.5rem; margin-top: 0; }
label { display: block; }
input { display: block; width: 100%; box-sizing: border-box; font: inherit; padding: .4rem; }
#plugins { list-style: none; padding: 0; }
#plugins > li { background: #fff; border: 1px solid #d5d8dd; border-radius: .5rem; padding: 1rem; margin-bottom: 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 0; }
h2 small { font-weight: normal; color: #5b6068; }
code { background: #eef0f3; padding: .1rem .3rem; border-radius: .2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .5rem 0 0; }
dt { color: #5b6068; }
dd { margin: 0; }
.unsigned { color: #a4262c; }
`;

export const CATALOGUE_SCRIPT = `const at = (id) => document.getElementById(id);
const { plugins, generatedAt, fields, options } = JSON.parse(at("data").textContent);
const SHOWN = 100;
const search = new MiniSearch({ fields });
search.addAll(plugins.map(({ searched }, id) => ({ id, ...searched })));
const element = (name, text, className) => {
  const made = document.createElement(name);
  made.textContent = text ?? "";
  if (className !== undefined) made.className = className;
  return made;
};
const signersOf = ({ signers }) => signers.map(({ keyid, issuedAt }) => keyid.slice(0, 16) + "… on " + issuedAt.slice(0, 10)).join(", ");
const listed = (list) => list.join(", ");
const rowsOf = (version) => [
  ["install", version.source, "code"],
  ["asks for", listed(version.permissions.map(({ permission, resource }) => permission + " " + resource)) || "nothing"],
  ["services", listed(version.services)],
  ["events", listed(version.events)],
  ["extension points", listed(version.extensionPoints)],
  ["needs", listed(version.dependencies.map(({ plugin, range }) => plugin + " " + range))],
  ["api", version.api],
  ["module", version.bytes + " bytes, SHA-256 " + version.wasmSha256],
  ["license", version.license ?? "not said"],
];
const cardOf = ({ plugin }) => {
  const [newest, ...older] = plugin.versions;
  const card = document.createElement("li");
  const title = element("h2", plugin.name + " ");
  title.append(element("small", newest.version));
  const facts = document.createElement("dl");
  for (const [what, text, name = "span"] of rowsOf(newest))
    if (text !== "") {
      const value = document.createElement("dd");
      value.append(element(name, text));
      facts.append(element("dt", what), value);
    }
  const signers = signersOf(newest);
  facts.append(element("dt", "signed by"), element("dd", signers || "nobody", signers === "" ? "unsigned" : undefined));
  if (older.length > 0) facts.append(element("dt", "older versions"), element("dd", listed(older.map(({ version }) => version))));
  card.append(title, element("p", plugin.description), facts);
  return card;
};
const found = (query) =>
  query.trim() === "" ? plugins : search.search(query, options).map(({ id }) => plugins[id]);
const show = () => {
  const hits = found(at("query").value.slice(0, 256));
  at("count").textContent = hits.length + (hits.length === 1 ? " plugin" : " plugins") + (hits.length > SHOWN ? ", the first " + SHOWN + " of them below" : "");
  at("plugins").replaceChildren(...hits.slice(0, SHOWN).map(cardOf));
};
at("made").textContent = generatedAt === undefined ? "" : "As of " + generatedAt.slice(0, 10);
at("query").addEventListener("input", show);
show();
`;
