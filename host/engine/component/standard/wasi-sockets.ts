// The types of wasi:sockets, as the WIT packages of 0.2 have them. Releases of 0.2 add functions and change none.

import { type Interfaces, interfaces } from "./notation.ts";

export const WASI_SOCKETS: Interfaces = interfaces(
  {
    "error-code":
      "enum{unknown,access-denied,not-supported,invalid-argument,out-of-memory,timeout,concurrency-conflict,not-in-progress,would-block,invalid-state,new-socket-limit,address-not-bindable,address-in-use,remote-unreachable,connection-refused,connection-reset,connection-aborted,datagram-too-large,name-unresolvable,temporary-resolver-failure,permanent-resolver-failure}",
    "ipv6-address": "tuple<u16,u16,u16,u16,u16,u16,u16,u16>",
    "ip-address": "variant{ipv4(tuple<u8,u8,u8,u8>),ipv6($ipv6-address)}",
    "ipv4-socket-address": "record{port:u16,address:tuple<u8,u8,u8,u8>}",
    "ipv6-socket-address": "record{port:u16,flow-info:u32,address:$ipv6-address,scope-id:u32}",
    "ip-socket-address": "variant{ipv4($ipv4-socket-address),ipv6($ipv6-socket-address)}",
    "shutdown-type": "enum{receive,send,both}",
    "incoming-datagram": "record{data:list<u8>,remote-address:$ip-socket-address}",
    "outgoing-datagram": "record{data:list<u8>,remote-address:option<$ip-socket-address>}",
  },
  {
    "wasi:sockets/network": {
      resources: ["network"],
      functions: {
        "network-error-code": "(borrow<error>) -> option<$error-code>",
      },
    },
    "wasi:sockets/instance-network": {
      functions: {
        "instance-network": "() -> own<network>",
      },
    },
    "wasi:sockets/ip-name-lookup": {
      resources: ["resolve-address-stream"],
      functions: {
        "[method]resolve-address-stream.resolve-next-address":
          "(borrow<resolve-address-stream>) -> result<option<$ip-address>,$error-code>",
        "[method]resolve-address-stream.subscribe": "(borrow<resolve-address-stream>) -> own<pollable>",
        "resolve-addresses": "(borrow<network>,string) -> result<own<resolve-address-stream>,$error-code>",
      },
    },
    "wasi:sockets/tcp": {
      resources: ["tcp-socket"],
      functions: {
        "[method]tcp-socket.start-bind": "(borrow<tcp-socket>,borrow<network>,$ip-socket-address) -> result<_,$error-code>",
        "[method]tcp-socket.finish-bind": "(borrow<tcp-socket>) -> result<_,$error-code>",
        "[method]tcp-socket.start-connect": "(borrow<tcp-socket>,borrow<network>,$ip-socket-address) -> result<_,$error-code>",
        "[method]tcp-socket.finish-connect": "(borrow<tcp-socket>) -> result<tuple<own<input-stream>,own<output-stream>>,$error-code>",
        "[method]tcp-socket.start-listen": "(borrow<tcp-socket>) -> result<_,$error-code>",
        "[method]tcp-socket.finish-listen": "(borrow<tcp-socket>) -> result<_,$error-code>",
        "[method]tcp-socket.accept":
          "(borrow<tcp-socket>) -> result<tuple<own<tcp-socket>,own<input-stream>,own<output-stream>>,$error-code>",
        "[method]tcp-socket.local-address": "(borrow<tcp-socket>) -> result<$ip-socket-address,$error-code>",
        "[method]tcp-socket.remote-address": "(borrow<tcp-socket>) -> result<$ip-socket-address,$error-code>",
        "[method]tcp-socket.is-listening": "(borrow<tcp-socket>) -> bool",
        "[method]tcp-socket.address-family": "(borrow<tcp-socket>) -> enum{ipv4,ipv6}",
        "[method]tcp-socket.set-listen-backlog-size": "(borrow<tcp-socket>,u64) -> result<_,$error-code>",
        "[method]tcp-socket.keep-alive-enabled": "(borrow<tcp-socket>) -> result<bool,$error-code>",
        "[method]tcp-socket.set-keep-alive-enabled": "(borrow<tcp-socket>,bool) -> result<_,$error-code>",
        "[method]tcp-socket.keep-alive-idle-time": "(borrow<tcp-socket>) -> result<u64,$error-code>",
        "[method]tcp-socket.set-keep-alive-idle-time": "(borrow<tcp-socket>,u64) -> result<_,$error-code>",
        "[method]tcp-socket.keep-alive-interval": "(borrow<tcp-socket>) -> result<u64,$error-code>",
        "[method]tcp-socket.set-keep-alive-interval": "(borrow<tcp-socket>,u64) -> result<_,$error-code>",
        "[method]tcp-socket.keep-alive-count": "(borrow<tcp-socket>) -> result<u32,$error-code>",
        "[method]tcp-socket.set-keep-alive-count": "(borrow<tcp-socket>,u32) -> result<_,$error-code>",
        "[method]tcp-socket.hop-limit": "(borrow<tcp-socket>) -> result<u8,$error-code>",
        "[method]tcp-socket.set-hop-limit": "(borrow<tcp-socket>,u8) -> result<_,$error-code>",
        "[method]tcp-socket.receive-buffer-size": "(borrow<tcp-socket>) -> result<u64,$error-code>",
        "[method]tcp-socket.set-receive-buffer-size": "(borrow<tcp-socket>,u64) -> result<_,$error-code>",
        "[method]tcp-socket.send-buffer-size": "(borrow<tcp-socket>) -> result<u64,$error-code>",
        "[method]tcp-socket.set-send-buffer-size": "(borrow<tcp-socket>,u64) -> result<_,$error-code>",
        "[method]tcp-socket.subscribe": "(borrow<tcp-socket>) -> own<pollable>",
        "[method]tcp-socket.shutdown": "(borrow<tcp-socket>,$shutdown-type) -> result<_,$error-code>",
      },
    },
    "wasi:sockets/tcp-create-socket": {
      functions: {
        "create-tcp-socket": "(enum{ipv4,ipv6}) -> result<own<tcp-socket>,$error-code>",
      },
    },
    "wasi:sockets/udp": {
      resources: ["udp-socket", "incoming-datagram-stream", "outgoing-datagram-stream"],
      functions: {
        "[method]udp-socket.start-bind": "(borrow<udp-socket>,borrow<network>,$ip-socket-address) -> result<_,$error-code>",
        "[method]udp-socket.finish-bind": "(borrow<udp-socket>) -> result<_,$error-code>",
        "[method]udp-socket.stream":
          "(borrow<udp-socket>,option<$ip-socket-address>) -> result<tuple<own<incoming-datagram-stream>,own<outgoing-datagram-stream>>,$error-code>",
        "[method]udp-socket.local-address": "(borrow<udp-socket>) -> result<$ip-socket-address,$error-code>",
        "[method]udp-socket.remote-address": "(borrow<udp-socket>) -> result<$ip-socket-address,$error-code>",
        "[method]udp-socket.address-family": "(borrow<udp-socket>) -> enum{ipv4,ipv6}",
        "[method]udp-socket.unicast-hop-limit": "(borrow<udp-socket>) -> result<u8,$error-code>",
        "[method]udp-socket.set-unicast-hop-limit": "(borrow<udp-socket>,u8) -> result<_,$error-code>",
        "[method]udp-socket.receive-buffer-size": "(borrow<udp-socket>) -> result<u64,$error-code>",
        "[method]udp-socket.set-receive-buffer-size": "(borrow<udp-socket>,u64) -> result<_,$error-code>",
        "[method]udp-socket.send-buffer-size": "(borrow<udp-socket>) -> result<u64,$error-code>",
        "[method]udp-socket.set-send-buffer-size": "(borrow<udp-socket>,u64) -> result<_,$error-code>",
        "[method]udp-socket.subscribe": "(borrow<udp-socket>) -> own<pollable>",
        "[method]incoming-datagram-stream.receive":
          "(borrow<incoming-datagram-stream>,u64) -> result<list<$incoming-datagram>,$error-code>",
        "[method]incoming-datagram-stream.subscribe": "(borrow<incoming-datagram-stream>) -> own<pollable>",
        "[method]outgoing-datagram-stream.check-send": "(borrow<outgoing-datagram-stream>) -> result<u64,$error-code>",
        "[method]outgoing-datagram-stream.send": "(borrow<outgoing-datagram-stream>,list<$outgoing-datagram>) -> result<u64,$error-code>",
        "[method]outgoing-datagram-stream.subscribe": "(borrow<outgoing-datagram-stream>) -> own<pollable>",
      },
    },
    "wasi:sockets/udp-create-socket": {
      functions: {
        "create-udp-socket": "(enum{ipv4,ipv6}) -> result<own<udp-socket>,$error-code>",
      },
    },
  },
);
