import { plugin, rawRoute } from "@bulkhead/sdk";

const same = (request) => request.json({ bigint: true });
const drawnAtBuild = Math.random();

export const entryPoints = plugin({
  services: {
    any: same,
    floats: same,
    signed: same,
    unsigned: same,
    text: same,
    unfit: (request) => ({ a: 1, list: [{ x: 0 }, { x: Number(request.text()) }] }),
    random: () => [Math.random(), Math.random(), Math.random(), Math.random()],
    frozen: () => [drawnAtBuild],
    route: rawRoute((request) => ({
      status: 201,
      headers: { etag: `${request.method} ${request.params.id} ${request.query} ${request.header("X-Test") ?? "none"}` },
      body: request.bytes,
    })),
  },
});
