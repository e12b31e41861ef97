// The page where people log in and out: the host's own, with nothing of strangers on it but the name of whoever has logged in, as text.

/** With a link to the issuer, or without. */
export const loginPage = (hasIssuer: boolean): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Bulkhead: log in</title>
<link rel="stylesheet" href="login/page.css">
</head>
<body>
<main>
<h1>Bulkhead</h1>
<form id="form" hidden>
<label>Name <input id="name" autocomplete="username" autocapitalize="none" spellcheck="false" required></label>
<label>Password <input id="password" type="password" autocomplete="current-password" required></label>
<button>Log in</button>
${hasIssuer ? '<p><a href="login/oidc">Log in at the issuer</a></p>\n' : ""}</form>
<section id="known" hidden>
<p>You are <strong id="principal"></strong>.</p>
<p><a href="docs/">What can be called</a></p>
<button id="out" type="button">Log out</button>
</section>
<p id="message" role="alert"></p>
</main>
<script src="login/page.js"></script>
</body>
</html>
`;

/**
 * What a browser is shown that comes back from the issuer: as long as it is on the way from there it leaves strict cookies behind, and from this page on it has
 * them.
 */
export const RETURNED_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url=/v1/login">
<title>Bulkhead</title>
</head>
<body><a href="/v1/login">Go on</a></body>
</html>
`;

export const LOGIN_STYLE = `body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; background: #f4f5f7; color: #1c1e21; }
main { max-width: 20rem; margin: 15vh auto 0; padding: 2rem; background: #fff; border: 1px solid #d5d8dd; border-radius: .5rem; }
h1 { font-size: 1.25rem; margin-top: 0; }
label { display: block; margin-bottom: 1rem; }
input { display: block; width: 100%; box-sizing: border-box; font: inherit; padding: .4rem; }
button { font: inherit; padding: .4rem 1rem; }
#message { color: #a4262c; margin-bottom: 0; }
#principal { overflow-wrap: anywhere; }
`;

export const LOGIN_SCRIPT = `const at = (id) => document.getElementById(id);
const send = (path, body) =>
  fetch(path, { method: "POST", ...(body && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }) });
const told = async (response) => (await response.json().catch(() => undefined))?.detail ?? "The host answered " + response.status + ".";
const show = (principal) => {
  at("form").hidden = principal !== undefined;
  at("known").hidden = principal === undefined;
  at("principal").textContent = principal ?? "";
};
const look = async () => {
  const response = await fetch("session");
  const { principal } = response.ok ? await response.json() : {};
  show(principal === "anonymous" ? undefined : principal);
};
at("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  at("message").textContent = "";
  const response = await send("login", { name: at("name").value, password: at("password").value });
  at("password").value = "";
  if (!response.ok) at("message").textContent = await told(response);
  else if (new URLSearchParams(location.search).get("to") === "docs") location.replace("docs/");
  else await look();
});
at("out").addEventListener("click", async () => {
  const response = await send("logout");
  at("message").textContent = response.ok ? "" : await told(response);
  await look();
});
look();
`;
