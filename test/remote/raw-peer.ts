// A peer that says whatever a test wants, by the library and the messages of proto/ alone.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ChannelCredentials, Client, type ClientDuplexStream, credentials, Metadata, type StatusObject } from "@grpc/grpc-js";
import { type ConnectRequest, ConnectRequestSchema, type ConnectResponse, ConnectResponseSchema } from "../../host/remote/remote_pb.ts";
import { eventually } from "../support/eventually.ts";

type Said = ConnectRequest["message"];
export type Heard = ConnectResponse["message"];
type HeardOf<K extends Heard["case"]> = Extract<Heard, { case: K }>["value"];

export interface HelloParts {
  readonly plugin?: string;
  readonly version?: string;
  readonly api?: string;
  readonly entryPoints?: string[];
  readonly manifestSha256?: Uint8Array;
}

/** As the SDK would say it, but for the given parts. */
export function helloOf(manifestFile: string, parts: HelloParts = {}): Said {
  const text = readFileSync(manifestFile);
  const { name, version, api, services = {}, subscriptions = [] } = JSON.parse(text.toString("utf8"));
  const entryPoints = [...Object.values(services), ...subscriptions].map((one) => (one as { entryPoint: string }).entryPoint);
  const manifestSha256 = new Uint8Array(createHash("sha256").update(text).digest());
  return {
    case: "hello",
    value: { $typeName: "bulkhead.remote.v1.Hello", plugin: name, version, api, entryPoints, manifestSha256, ...parts },
  };
}

const encoded = (message: Said): Uint8Array => toBinary(ConnectRequestSchema, create(ConnectRequestSchema, { message }));

const plain = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export class RawPeer implements Disposable {
  readonly heard: Heard[] = [];
  readonly stream: ClientDuplexStream<Uint8Array, Uint8Array>;
  readonly #client: Client;
  /** Answers beats unless a test has it be silent. */
  isSilent = false;
  status: StatusObject | undefined;

  constructor(address: string, { token, channel = credentials.createInsecure() }: { token?: string; channel?: ChannelCredentials } = {}) {
    this.#client = new Client(address, channel, {
      ...{ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 },
      // Else all peers of this process share one connection.
      "grpc.use_local_subchannel_pool": 1,
    });
    const metadata = new Metadata();
    if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
    const path = "/bulkhead.remote.v1.RemotePluginService/Connect";
    this.stream = this.#client.makeBidiStreamRequest(path, plain, (bytes) => bytes as Uint8Array, metadata);
    this.stream.on("error", () => {});
    this.stream.on("status", (status: StatusObject) => {
      this.status = status;
    });
    this.stream.on("data", (bytes: Uint8Array) => this.#hear(fromBinary(ConnectResponseSchema, bytes).message));
  }

  #hear(message: Heard): void {
    if (message.case !== "ping") this.heard.push(message);
    else if (!this.isSilent) this.say({ case: "pong", value: { $typeName: "bulkhead.remote.v1.Pong", nonce: message.value.nonce } });
  }

  say(message: Said): void {
    this.stream.write(encoded(message));
  }

  sayBytes(bytes: Uint8Array): void {
    this.stream.write(bytes);
  }

  endTurn(turnId: number, output: string | Uint8Array = ""): void {
    const value = typeof output === "string" ? Buffer.from(output) : output;
    this.say({ case: "turnEnded", value: { $typeName: "bulkhead.remote.v1.TurnEnded", turnId, result: { case: "output", value } } });
  }

  ask(turnId: number, callId: number, name: string, args: Uint8Array[] = []): void {
    this.say({ case: "hostCall", value: { $typeName: "bulkhead.remote.v1.HostCall", turnId, callId, function: name, args } });
  }

  /** The next message of this kind, which is taken out. */
  async next<K extends "welcome" | "turn" | "hostCallEnded" | "cancel" | "drain">(kind: K): Promise<HeardOf<K>> {
    const found = await eventually(`the host says ${kind}`, () => {
      const at = this.heard.findIndex((one) => one.case === kind);
      return at < 0 ? undefined : this.heard.splice(at, 1);
    });
    return found[0]?.value as HeardOf<K>;
  }

  /** Code of the host and the words, once the stream is over. */
  async end(): Promise<string> {
    const { metadata, details } = await eventually("the stream ends", () => this.status);
    return `${metadata.get("bulkhead-code").join()}: ${details}`;
  }

  [Symbol.dispose](): void {
    this.stream.cancel();
    this.#client.close();
  }
}
