// An OCI registry in memory for tests: one that keeps account of referrers, wants tokens or lies, as a test says.

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

interface Stored {
  readonly type: string;
  readonly bytes: Buffer;
}

interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
}

export interface FakeOci extends AsyncDisposable {
  /** Host and port. */
  readonly host: string;
  readonly seen: SeenRequest[];
  /** By repository and tag or digest, such as `acme/thing:1.0.0`. */
  readonly manifests: Map<string, Stored>;
  readonly blobs: Map<string, Buffer>;
  /** Whether it has the referrers API. */
  keepsReferrers: boolean;
  /** Answers instead of the registry, and says so. */
  lie: (request: IncomingMessage, response: ServerResponse) => boolean;
  put(repository: string, reference: string, manifest: object, type?: string): string;
}

export const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";

export const sha256 = (bytes: Uint8Array | string): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

export async function startFakeOci(): Promise<FakeOci> {
  const server = createServer((request, response) => {
    const { method = "", url = "", headers } = request;
    fake.seen.push({ method, path: url, authorization: headers.authorization });
    if (fake.lie(request, response)) return;
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece)).on("end", () => answer(request, response, Buffer.concat(pieces)));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const manifests = new Map<string, Stored>();
  const blobs = new Map<string, Buffer>();

  function keep(repository: string, reference: string, { type, bytes }: Stored): string {
    const digest = sha256(bytes);
    for (const one of [reference, digest]) manifests.set(`${repository}:${one}`, { type, bytes });
    return digest;
  }

  function answer(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const url = new URL(request.url ?? "", `http://${host}`);
    const [, repository = "", kind = "", rest = ""] = /^\/v2\/(.+)\/(manifests|blobs|tags|referrers)\/(.+)$/.exec(url.pathname) ?? [];
    const end = (status: number, headers: Record<string, string> = {}, content?: Uint8Array | string): void => {
      response.writeHead(status, headers).end(content);
    };
    if (request.method === "POST") return end(202, { location: `/v2/${repository}/blobs/uploads/1` });
    if (request.method === "PUT" && kind === "blobs") {
      blobs.set(url.searchParams.get("digest") ?? "", body);
      return end(201);
    }
    if (request.method === "PUT") {
      keep(repository, rest, { type: request.headers["content-type"] ?? "", bytes: body });
      const { subject } = JSON.parse(body.toString());
      return end(201, subject !== undefined && fake.keepsReferrers ? { "oci-subject": subject.digest } : {});
    }
    if (kind === "tags") {
      const tags = [...manifests.keys()].map((key) => key.slice(repository.length + 1)).filter((tag) => !tag.startsWith("sha256:"));
      return end(200, {}, JSON.stringify({ name: repository, tags }));
    }
    if (kind === "referrers") {
      if (!fake.keepsReferrers) return end(404);
      return end(
        200,
        { "content-type": INDEX_TYPE },
        JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests: referring(rest) }),
      );
    }
    if (kind === "blobs") {
      const blob = blobs.get(rest);
      return blob === undefined ? end(404) : end(200, {}, blob);
    }
    const stored = manifests.get(`${repository}:${rest}`);
    return stored === undefined ? end(404) : end(200, { "content-type": stored.type }, stored.bytes);
  }

  function referring(subject: string): object[] {
    const all = [...manifests]
      .filter(([key]) => key.includes(":sha256:"))
      .map(([, { bytes, type }]) => ({ bytes, type, said: JSON.parse(bytes.toString()) }));
    return all
      .filter(({ said }) => said.subject?.digest === subject)
      .map(({ bytes, type, said }) => ({ mediaType: type, digest: sha256(bytes), size: bytes.length, artifactType: said.artifactType }));
  }

  const fake: FakeOci = {
    host,
    seen: [],
    manifests,
    blobs,
    keepsReferrers: true,
    lie: () => false,
    put: (repository, reference, manifest, type = MANIFEST_TYPE) =>
      keep(repository, reference, { type, bytes: Buffer.from(JSON.stringify(manifest)) }),
    [Symbol.asyncDispose]: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
  return fake;
}
