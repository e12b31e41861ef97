// wasi:filesystem and wasi:sockets, which languages' standard libraries import whether or not they use them: there is no file, and whatever would
// open a socket is refused as a value.

import type { ComponentHost, Interfaces } from "./component-host.ts";
import { err, Resource } from "./resources.ts";

class Descriptor extends Resource {}
class DirectoryEntryStream extends Resource {}
class Network extends Resource {}
class ResolveAddressStream extends Resource {}
class TcpSocket extends Resource {}
class UdpSocket extends Resource {}
class IncomingDatagramStream extends Resource {}
class OutgoingDatagramStream extends Resource {}

export function wasiFilesystem(): Interfaces {
  return {
    "wasi:filesystem/preopens": { getDirectories: () => [] },
    "wasi:filesystem/types": { Descriptor, DirectoryEntryStream, filesystemErrorCode: () => undefined },
  };
}

export function wasiSockets(host: ComponentHost): Interfaces {
  const refused = (): unknown => {
    host.count();
    return err("access-denied");
  };
  return {
    "wasi:sockets/network": { Network, networkErrorCode: () => undefined },
    "wasi:sockets/instance-network": { instanceNetwork: () => new Network(host.ledger) },
    "wasi:sockets/ip-name-lookup": { ResolveAddressStream, resolveAddresses: refused },
    "wasi:sockets/tcp": { TcpSocket },
    "wasi:sockets/tcp-create-socket": { createTcpSocket: refused },
    "wasi:sockets/udp": { UdpSocket, IncomingDatagramStream, OutgoingDatagramStream },
    "wasi:sockets/udp-create-socket": { createUdpSocket: refused },
  };
}
