// A client of the gRPC door, by the library and the messages of proto/.

import { create, fromBinary } from "@bufbuild/protobuf";
import { type ChannelCredentials, Client, type ClientReadableStream, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { definitionOf } from "../../host/adapters/gateway/grpc/definitions.ts";
import {
  CallRequestSchema,
  type CallResponse,
  CallService,
  CatalogService,
  EventService,
  FollowRequestSchema,
  type FollowResponse,
  FollowResponseSchema,
  ListServicesRequestSchema,
  type ListServicesResponse,
  PublishRequestSchema,
  type PublishResponse,
} from "../../host/adapters/grpc/doors_pb.ts";

export interface GrpcClientOptions {
  readonly token?: string;
  readonly channel?: ChannelCredentials;
}

interface Asked {
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  readonly metadata?: Readonly<Record<string, string>>;
}

export type Followed = FollowResponse["kind"];

export class GrpcClient implements Disposable {
  readonly client: Client;
  readonly #token: string | undefined;

  constructor(url: string, { token, channel = credentials.createInsecure() }: GrpcClientOptions = {}) {
    // As a name, for the certificate.
    const host = new URL(url).host.replace("127.0.0.1", "localhost");
    this.client = new Client(host, channel, { "grpc.max_receive_message_length": -1 });
    this.#token = token;
  }

  call(service: string, payload: Uint8Array | string = "", asked: Asked = {}): Promise<CallResponse> {
    const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
    return this.#unary(CallService, "call", create(CallRequestSchema, { service, payload: bytes }), asked);
  }

  async list(pageToken: string = ""): Promise<ListServicesResponse> {
    return this.#unary(CatalogService, "listServices", create(ListServicesRequestSchema, { pageToken }), {});
  }

  publish(type: string, data: unknown): Promise<PublishResponse> {
    const bytes = Buffer.from(JSON.stringify(data));
    return this.#unary(EventService, "publish", create(PublishRequestSchema, { type, data: bytes }), {});
  }

  /** As the library has it, unread. */
  stream(request: Partial<{ types: string[]; source: string; filter: string; after: string }> = {}): ClientReadableStream<FollowResponse> {
    const { follow } = definitionOf(EventService);
    if (follow === undefined) throw new Error("proto/ has no Follow");
    const { path, requestSerialize, responseDeserialize } = follow;
    return this.client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize as (bytes: Buffer) => FollowResponse,
      create(FollowRequestSchema, request),
      this.#metadata({}),
    );
  }

  /** One after the other, parts put together. */
  async *follow(request: Parameters<GrpcClient["stream"]>[0] = {}): AsyncGenerator<Followed> {
    const stream = this.stream(request);
    let parts: Uint8Array[] = [];
    try {
      for await (const { kind } of stream as AsyncIterable<FollowResponse>) {
        if (kind.case !== "part") yield kind;
        else {
          parts.push(kind.value.bytes);
          if (!kind.value.last) continue;
          yield fromBinary(FollowResponseSchema, Buffer.concat(parts)).kind;
          parts = [];
        }
      }
    } finally {
      stream.cancel();
    }
  }

  [Symbol.dispose](): void {
    this.client.close();
  }

  #metadata(more: Readonly<Record<string, string>>): Metadata {
    const metadata = new Metadata();
    if (this.#token !== undefined) metadata.set("authorization", `Bearer ${this.#token}`);
    for (const [name, value] of Object.entries(more)) metadata.set(name, value);
    return metadata;
  }

  #unary<T>(
    service: Parameters<typeof definitionOf>[0],
    name: string,
    request: object,
    { deadlineMs, signal, metadata = {} }: Asked,
  ): Promise<T> {
    const method = definitionOf(service)[name];
    if (method === undefined) throw new Error(`proto/ has no ${name}`);
    return new Promise((resolve, reject) => {
      const call = this.client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize as (bytes: Buffer) => T,
        request,
        this.#metadata(metadata),
        deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs },
        (error: ServiceError | null, answer?: T) => {
          if (error === null) resolve(answer as T);
          else reject(error);
        },
      );
      signal?.addEventListener("abort", () => call.cancel());
    });
  }
}
