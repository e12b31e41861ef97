// Remote plugins over TLS: whom their certificates make them, and whom not.

import { credentials } from "@grpc/grpc-js";
import { afterAll, describe, expect, it } from "vitest";
import { authority, missingOpenssl } from "../support/certificates.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";
import { helloOf, RawPeer } from "./raw-peer.ts";
import { RemoteWorld } from "./world.ts";

describe.skipIf(missingOpenssl !== undefined)(
  `remote plugins over TLS${missingOpenssl === undefined ? "" : ` (${missingOpenssl})`}`,
  () => {
    const folder = temporaryFolder();
    afterAll(() => folder.remove());
    const ours = authority(folder.path, "ours");
    const others = authority(folder.path, "others");
    const host = ours.issue("localhost");
    const tls = { cert: host.cert, key: host.key, clientCa: ours.ca };
    const start = (): Promise<RemoteWorld> =>
      RemoteWorld.start({ manifest: { services: { "meter.read": { entryPoint: "read" } } }, configuration: { tls } });

    it("are known by a certificate for their name, without a token", async () => {
      await using world = await start();
      world.connect(
        { services: { read: () => "certified" } },
        { token: "", tls: { ca: ours.pem, ...ours.issue("meter", "bulkhead://plugin/meter").read() } },
      );
      await world.running();
      expect(await world.call("meter.read")).toBe("certified");
    });

    it("are known by a token, as without TLS", async () => {
      await using world = await start();
      world.connect({ services: { read: () => "by token" } }, { tls: { ca: ours.pem } });
      await world.running();
      expect(await world.call("meter.read")).toBe("by token");
    });

    it.each([
      ["for another plugin", () => ours.issue("meter", "bulkhead://plugin/devices"), "has shown to be devices"],
      ["by another authority", () => others.issue("meter", "bulkhead://plugin/meter"), "show a token"],
      ["with the name of the plugin in its subject only", () => ours.issue("meter"), "show a token"],
      ["for two plugins", () => ours.issue("meter", "bulkhead://plugin/meter,URI:bulkhead://plugin/devices"), "show a token"],
      ["for what is no name", () => ours.issue("meter", "bulkhead://plugin/meter/.."), "show a token"],
    ])("are not let in by a certificate %s", async (_name, issue, said) => {
      await using world = await start();
      const { cert, key } = issue().read();
      using peer = new RawPeer(world.address, { channel: credentials.createSsl(ours.pem, key, cert) });
      peer.say(helloOf(world.manifest));
      expect(await peer.end()).toContain(said);
      expect(world.state).toBe("failed");
    });
  },
);
