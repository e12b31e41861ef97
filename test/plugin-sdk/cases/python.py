import random

from bulkhead import EntryPoints, Request, RouteAnswer, RouteRequest, raw_route, service

__all__ = ["EntryPoints"]

DRAWN_AT_BUILD = random.random()


def same(request: Request) -> object:
    return request.json()


for name in ("any", "floats", "signed", "unsigned", "text"):
    service(name)(same)


@service("unfit")
def unfit(request: Request) -> object:
    return {"a": 1, "list": [{"x": 0}, {"x": float(request.text())}]}


@service("random")
def drawn(_: Request) -> object:
    return [random.random() for _ in range(4)]


@service("frozen")
def frozen(_: Request) -> object:
    return [DRAWN_AT_BUILD]


@raw_route("route")
def route(request: RouteRequest) -> RouteAnswer:
    etag = f"{request.method} {request.params['id']} {request.query} {request.header('X-Test') or 'none'}"
    return RouteAnswer(201, {"etag": etag}, request.bytes)
