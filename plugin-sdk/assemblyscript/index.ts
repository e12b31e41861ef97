// The door of the package: asc resolves "@bulkhead/assemblyscript" to this file. What is public is named here.

import "./assembly/abort";

export { BlobPieces, blobPieces, readBlob, writeBlob } from "./assembly/blob-content";
export { HostError, Nothing, Outcome, Result, done, fail, ok, refuse } from "./assembly/result";
export { Event } from "./assembly/event";
export { Json } from "./assembly/json";
export { JsonKind } from "./assembly/json-scanner";
export { event, lifecycle, rawEvent, rawService, service, textService } from "./assembly/entry-points";
export { Some } from "./assembly/some";
export { Transaction, transaction } from "./assembly/transaction";
export { Caller, SendOptions } from "./assembly/host/services";
export * from "./assembly/host/index";
