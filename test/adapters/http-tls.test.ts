// HTTP with TLS: certificates that are renewed, and clients that show one.

import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, utimesSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { httpOptions } from "../../host/adapters/http/options.ts";
import { parseRoutes } from "../../host/adapters/http/routes.ts";
import { type HttpServer, startHttpServer } from "../../host/adapters/http/server.ts";
import { Host } from "../../host/core/host.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { startAll, stopAll } from "../../host/lifecycle/start-order.ts";
import { openTls } from "../../host/lifecycle/tls.ts";
import { authSchema } from "../../host/manifest/auth.ts";
import { contributing, testContext } from "../support/adapter-context.ts";
import { authority, type CertificateFiles, missingOpenssl } from "../support/certificates.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { hostPorts } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { definition, type Script, scriptedCell, utf8 } from "../support/scripted-cell.ts";

const SCRIPT: Script = { who: (_input, { caller }) => utf8(JSON.stringify(caller.principal)) };

describe.skipIf(missingOpenssl !== undefined)(`HTTP with TLS${missingOpenssl === undefined ? "" : ` (skipped: ${missingOpenssl})`}`, () => {
  let folder: TemporaryFolder;
  let host: Host;
  let server: HttpServer;
  let log: ReturnType<typeof memoryLog>;
  const clock = fakeClock();
  let ours: ReturnType<typeof authority>;
  let files: CertificateFiles;
  let stop: () => void;

  beforeEach(async () => {
    folder = temporaryFolder();
    ours = authority(folder.path, "ours");
    files = ours.issue("localhost");
    log = memoryLog();
    host = new Host(hostPorts({ clock: systemClock, log }));
    host.add(definition("p", SCRIPT, { services: [{ name: "p.who", entryPoint: "who" }] }), scriptedCell({ p: SCRIPT }));
    await startAll(host, log);
    const tls = await openTls({ ...files, clientCa: ours.ca }, { clock, log });
    stop = () => tls[Symbol.dispose]();
    const auth = authSchema.parse({ mode: "required", certificates: { robot: ["operator"], eye: ["viewer"] } });
    const { context, manifests } = testContext(host, { log, adapter: "http", parse: parseRoutes, auth, tls });
    manifests.set("p", contributing("p", { http: { routes: [{ method: "GET", path: "/p/who", service: "p.who" }] } }));
    server = await startHttpServer(httpOptions.parse({ port: 0 }), context);
  });
  afterEach(async () => {
    stop();
    await server.close();
    await stopAll(host, 0);
    folder.remove();
  });

  const ask = (shown?: CertificateFiles): Promise<string> =>
    new Promise((resolve, reject) => {
      const options = { ca: [ours.pem], agent: false, servername: "localhost", ...shown?.read() };
      request(`${server.url}/p/who`, options, (response) => {
        let said = "";
        response.on("data", (piece: Buffer) => {
          said += piece;
        });
        response.on("end", () => resolve(`${response.statusCode} ${said}`));
      })
        .on("error", reject)
        .end();
    });
  const serial = async (): Promise<string> => {
    const socket = connect({ port: Number(new URL(server.url).port), host: "127.0.0.1", ca: [ours.pem], servername: "localhost" });
    await once(socket, "secureConnect");
    const { raw } = socket.getPeerCertificate();
    socket.destroy();
    return new X509Certificate(raw).serialNumber;
  };

  it("has WebSockets too, for clients with a certificate and pages of its own", async () => {
    const status = async (headers: Readonly<Record<string, string>>, shown?: CertificateFiles): Promise<string> => {
      const url = `${server.url.replace("https", "wss")}/v1/events/ws`;
      const options = { ca: [ours.pem], servername: "localhost", headers, ...shown?.read() };
      const socket = new WebSocket(url, [], options);
      const opened = once(socket, "open").then(
        () => "open",
        (refused) => String(refused),
      );
      const found = await opened;
      socket.terminate();
      return found;
    };
    const eye = ours.issue("eye");
    expect(await status({}, eye)).toBe("open");
    expect(await status({ origin: server.url }, eye)).toBe("open");
    expect(await status({ origin: server.url.replace("https", "http") }, eye)).toContain("403");
    expect(await status({})).toContain("401");
  });

  it("lets in those whose certificate our authority has signed, as the operator names them", async () => {
    expect(server.url).toMatch(/^https:/);
    expect(await ask(ours.issue("robot"))).toBe('200 "cert:robot"');
    expect(await ask(ours.issue("eye"))).toMatch(/^403 /);
    expect(await ask(ours.issue("stranger"))).toMatch(/^401 /);
    expect(await ask(ours.issue("constructor"))).toMatch(/^401 /);
    expect(await ask()).toMatch(/^401 /);
    expect(await ask(authority(folder.path, "theirs").issue("robot"))).toMatch(/^401 /);
  });

  it("takes a renewed certificate for new connections, and goes on with the old one as long as the new one is broken", async () => {
    const before = await serial();
    const touch = (): void => utimesSync(files.cert, new Date(), new Date(Date.now() + 5_000));
    writeFileSync(files.cert, "no certificate");
    touch();
    await clock.advance(10_000);
    await settled(() => log.lines.some(({ message }) => message.includes("is not used")));
    expect(await serial()).toBe(before);
    const renewed = ours.issue("localhost");
    copyFileSync(renewed.cert, files.cert);
    copyFileSync(renewed.key, files.key);
    await clock.advance(10_000);
    await settled(() => log.lines.some(({ message }) => message.includes("was read anew")));
    expect(await serial()).toBe(new X509Certificate(renewed.read().cert).serialNumber);
    expect(await serial()).not.toBe(before);
  });

  it("is refused at the start without a pair that fits", async () => {
    const other = ours.issue("localhost");
    for (const wrong of [
      { ...files, key: other.key },
      { ...files, cert: join(folder.path, "none.pem") },
      { ...files, clientCa: files.key },
    ])
      await expect(openTls(wrong, { clock, log })).rejects.toMatchObject({ code: "invalid-message" });
  });

  async function settled(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise(setImmediate);
  }
});
