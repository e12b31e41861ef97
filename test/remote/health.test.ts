// Whether the door of remote plugins is well: asked without credentials, by the protocol that everybody has for it.

import { Client, credentials } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import { RemoteWorld } from "./world.ts";

/** The status of an answer of grpc.health.v1: 1 is SERVING, 2 is NOT_SERVING. */
function check(address: string): Promise<number> {
  const client = new Client(address, credentials.createInsecure());
  const same = (bytes: Buffer): Buffer => bytes;
  return new Promise<number>((resolve, reject) => {
    client.makeUnaryRequest("/grpc.health.v1.Health/Check", same, same, Buffer.alloc(0), (error, answer) => {
      client.close();
      if (error === null) resolve(answer?.[1] ?? 0);
      else reject(error);
    });
  });
}

it("tells whoever asks whether the host is well, which it is not while a plugin is away that is required", async () => {
  const services = { "meter.read": { entryPoint: "read" } };
  await using well = await RemoteWorld.start({ manifest: { services } });
  expect(await check(well.address)).toBe(1);
  await using lacking = await RemoteWorld.start({ manifest: { services }, settings: { required: true } });
  expect(await check(lacking.address)).toBe(2);
});
