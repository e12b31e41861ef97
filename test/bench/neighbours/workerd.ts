// workerd: a service for each guest in one process. Its open build takes no limits of time or memory for a service.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { resolvePackage } from "./packages.ts";
import { ATTACKS, type MakeSubject, POLITE_TEXT, SCRIPTS } from "./subject.ts";

const DATE = "2026-01-01";
const cases = ATTACKS.map((attack) => `if (path === ${JSON.stringify(`/${attack.replace(" ", "-")}`)}) { ${SCRIPTS[attack]} }`);
const HOSTILE = `export default { async fetch(request) {
  const path = new URL(request.url).pathname; const ask = () => crypto.randomUUID(); ${cases.join("\n")} } };`;
const POLITE = `export default { async fetch(request) { return new Response(await request.text()); } };`;
const ROUTER = `export default { fetch(request, env) { return env["hostile-" + new URL(request.url).searchParams.get("guest")].fetch(request); } };`;

export const workerd: MakeSubject = async (hostile) => {
  const names = Array.from({ length: hostile }, (_, i) => `hostile-${i}`);
  const service = (name: string, code: string, bindings = ""): string =>
    `(name = ${JSON.stringify(name)}, worker = (compatibilityDate = "${DATE}", modules = [(name = "main", esModule = ${JSON.stringify(code)})], bindings = [${bindings}]))`;
  const bindings = names.map((name) => `(name = "${name}", service = "${name}")`).join(", ");
  const services = [service("polite", POLITE), service("router", ROUTER, bindings), ...names.map((name) => service(name, HOSTILE))];
  const sockets = ["polite", "router"].map((name) => `(name = "${name}", address = "127.0.0.1:0", http = (), service = "${name}")`);
  const file = join(mkdtempSync(join(tmpdir(), "bulkhead-neighbours-")), "config.capnp");
  writeFileSync(
    file,
    `using Workerd = import "/workerd/workerd.capnp";\nconst config :Workerd.Config = (services = [${services}], sockets = [${sockets}]);\n`,
  );
  const { default: binary } = createRequire(import.meta.url)(resolvePackage("workerd"));
  const child = spawn(binary, ["serve", file, "--control-fd=3"], { stdio: ["ignore", "ignore", "inherit", "pipe"] });
  process.once("exit", () => child.kill("SIGKILL"));
  const ports = new Map<string, number>();
  // Both lines may come in one piece, of which awaiting one event at a time would lose the second.
  for await (const line of createInterface(child.stdio[3] as Readable)) {
    const { socket, port } = JSON.parse(line);
    ports.set(socket, port);
    if (ports.size === sockets.length) break;
  }
  const agent = new Agent({ keepAlive: true, maxSockets: 1_000 });
  const post = async (socket: string, path: string): Promise<void> => {
    const sent = request({ agent, port: ports.get(socket), path, method: "POST" }).end(POLITE_TEXT);
    const [answer] = await once(sent, "response");
    for await (const _ of answer);
  };
  return {
    callPolite: () => post("polite", "/"),
    attack: (attack, guest) => post("router", `/${attack.replace(" ", "-")}?guest=${guest}`),
  };
};
