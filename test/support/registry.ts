// A real npm registry for tests: verdaccio on a free port of 127.0.0.1, with nothing behind it, that takes packages from anybody who is logged in.

import { createHash } from "node:crypto";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { runServer } from "verdaccio";

export interface TestRegistry extends AsyncDisposable {
  readonly url: string;
  /** An .npmrc that is logged in here. */
  readonly npmrc: string;
  /** Where the tarballs of a package lie. */
  folderOf(name: string): string;
  /** Publishes a tarball as it is, whatever is in it. */
  publish(name: string, version: string, tarball: Uint8Array, tag?: string): Promise<void>;
}

export async function startRegistry(folder: string): Promise<TestRegistry> {
  const storage = join(folder, "storage");
  const everybody = { access: "$all", publish: "$authenticated", unpublish: "$authenticated" };
  const server = (await runServer({
    configPath: join(folder, "verdaccio.yaml"),
    self_path: folder,
    storage,
    auth: { htpasswd: { file: join(folder, "htpasswd"), max_users: 10 } },
    uplinks: {},
    packages: { "@*/*": everybody, "**": everybody },
    max_body_size: "100mb",
    log: { type: "stdout", format: "json", level: "fatal" },
  } as unknown as string)) as Server;
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const { token } = (await send(`${url}-/user/org.couchdb.user:tester`, { name: "tester", password: "tester-password" })) as {
    token: string;
  };
  return {
    url,
    npmrc: `registry=${url}\n${url.slice("http:".length)}:_authToken=${token}\n`,
    folderOf: (name) => join(storage, name),
    publish: async (name, version, tarball, tag = "latest") => {
      const file = `${name.split("/").at(-1)}-${version}.tgz`;
      const dist = {
        tarball: `${url}${name}/-/${file}`,
        integrity: `sha512-${createHash("sha512").update(tarball).digest("base64")}`,
        shasum: createHash("sha1").update(tarball).digest("hex"),
      };
      const attachment = {
        content_type: "application/octet-stream",
        data: Buffer.from(tarball).toString("base64"),
        length: tarball.length,
      };
      const body = {
        _id: name,
        name,
        "dist-tags": { [tag]: version },
        versions: { [version]: { name, version, _id: `${name}@${version}`, dist } },
        _attachments: { [`${name}-${version}.tgz`]: attachment },
      };
      await send(`${url}${name.replace("/", "%2f")}`, body, token);
    },
    [Symbol.asyncDispose]: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

async function send(url: string, body: object, token?: string): Promise<unknown> {
  const headers = { "content-type": "application/json", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
  const response = await fetch(url, { method: "PUT", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return response.json();
}
