// What `bulkhead init` writes. Lines with two # explain, lines with one become settings when it is removed; a test removes them all.

export const FIRST_CONFIGURATION = `## Bulkhead's configuration. Every key: docs/configuration.md. What holds with all that is not said here:
##   bulkhead config show --effective
# yaml-language-server: $schema=node_modules/bulkhead/schemas/bulkhead.schema.json

## Where the host keeps what lasts, relative to this file. Its folder must be yours alone.
dataDir: data

## Doors. HTTP listens on this machine only; beyond it auth.mode must be "required".
adapters:
  http:
    host: 127.0.0.1
    port: 7420
#  grpc:
#    port: 7421

## The log: JSON lines on standard output, or files with a bound on all of them together.
drivers:
  log:
    level: info
#    to: file
#    format: ecs
#    file:
#      path: logs/bulkhead.log
#      maxMiB: 64
#      keep: 7
#      everyHours: 24
## What remembers: events that are kept, and how much of them.
#  events:
#    maxAgeHours: 168
#    maxMiB: 256

## Event types that are kept, whoever subscribes to them.
#events:
#  keep: ["devices.**"]

## Who may come by the doors. Tokens are made with: bulkhead token create ci --role operator
#auth:
#  mode: required
#  roles:
#    lamps: [{ permission: services.call, resource: "devices.*" }]

## PEM files with which doors speak TLS.
#tls:
#  cert: tls/cert.pem
#  key: tls/key.pem

## How long queued turns get when the host stops.
drainMs: 5000

## What runs, beside what "bulkhead install" puts into the data folder. A plugin gets what its manifest asks for and grants give it, and
## runs in a process of its own unless isolation says otherwise.
#plugins:
#  devices:
#    path: plugins/devices
#    grants:
#      - { permission: events.publish, resource: "devices.*" }
#    limits:
#      memoryMiB: 32
#    logLevel: warning
#    config:
#      room: kitchen
`;
