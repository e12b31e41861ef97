"""Asks a running host over gRPC with nothing but what reflection tells: lists services, checks health, calls, is refused, and follows an event.

Prints one JSON object. Usage: grpc_client.py HOST:PORT
"""

import json
import sys
import threading

import grpc
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

channel = grpc.insecure_channel(sys.argv[1])
database = ProtoReflectionDescriptorDatabase(channel)
pool = descriptor_pool.DescriptorPool(database)


def method(service, name):
    """The callable of a method, and the class of its requests."""
    described = pool.FindServiceByName(service).FindMethodByName(name)
    request = message_factory.GetMessageClass(described.input_type)
    response = message_factory.GetMessageClass(described.output_type)
    make = channel.unary_stream if described.server_streaming else channel.unary_unary
    call = make(f"/{service}/{name}", request_serializer=request.SerializeToString, response_deserializer=response.FromString)
    return call, request


call, Call = method("bulkhead.v1.CallService", "Call")
list_services, List = method("bulkhead.v1.CatalogService", "ListServices")
follow, Follow = method("bulkhead.v1.EventService", "Follow")


def ask(service, payload):
    return json.loads(call(Call(service=service, payload=json.dumps(payload).encode()), timeout=30).payload)


found = {"services": sorted(database.get_services())}
found["listed"] = [one.name for one in list_services(List()).services if one.provider == "hello"]
found["greeting"] = ask("hello.greet", {"name": "Ada"})

stream = follow(Follow(types=["devices.**"]))
responses = iter(stream)
next(responses)
threading.Thread(target=ask, args=("devices.create", {"id": "grpc-lamp", "name": "Lamp"})).start()
event = next(one.event for one in responses if one.WhichOneof("kind") == "event")
found["event"] = [event.type, event.source, json.loads(event.data)["id"]]
stream.cancel()

try:
    ask("devices.get", {"id": "nobody"})
except grpc.RpcError as error:
    found["refused"] = [error.code().name, *(dict(error.trailing_metadata()).get(key) for key in ("bulkhead-code", "bulkhead-reason"))]

print(json.dumps(found))
