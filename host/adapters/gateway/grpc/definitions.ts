// The services of proto/ as grpc-js takes them. What comes is parsed by generated code that gives every field a value, and keeps nothing that it does not know.

import {
  type DescMessage,
  type DescMethod,
  type DescService,
  FileDescriptorProtoSchema,
  fromBinary,
  type Message,
  type MethodDefinition,
  type ServiceDefinition,
  toBinary,
} from "./packages.ts";

export function definitionOf(service: DescService): ServiceDefinition {
  return Object.fromEntries(service.methods.map((method) => [method.localName, methodOf(service, method)]));
}

export const pathOf = (service: DescService, method: string): string => `/${service.typeName}/${method}`;

/** In the shape in which reflection reads them: the file that a service is from. */
export const described = (service: DescService): { readonly fileDescriptorProtos: Buffer[] } => ({
  fileDescriptorProtos: [Buffer.from(toBinary(FileDescriptorProtoSchema, service.file.proto))],
});

function methodOf(service: DescService, method: DescMethod): MethodDefinition<Message, Message | Buffer> {
  const { name, input, output, methodKind } = method;
  return {
    path: pathOf(service, name),
    requestStream: methodKind === "client_streaming" || methodKind === "bidi_streaming",
    responseStream: methodKind === "server_streaming" || methodKind === "bidi_streaming",
    requestSerialize: (message) => bytesOf(input, message),
    requestDeserialize: (bytes) => fromBinary(input, bytes, { readUnknownFields: false }),
    // What is sent to many is made once.
    responseSerialize: (message) => (Buffer.isBuffer(message) ? message : bytesOf(output, message)),
    responseDeserialize: (bytes) => fromBinary(output, bytes, { readUnknownFields: false }),
  };
}

export function bytesOf<D extends DescMessage>(schema: D, message: Message): Buffer {
  const { buffer, byteOffset, byteLength } = toBinary(schema, message as never);
  return Buffer.from(buffer, byteOffset, byteLength);
}
