// The door of the package: asc resolves "@bulkhead/assemblyscript" to this file. What is public is named here.

import "./assembly/abort";

export { HostError, Nothing, Outcome, Result, done, fail, ok } from "./assembly/result";
export { Event } from "./assembly/event";
export { Json } from "./assembly/json";
export { JsonKind } from "./assembly/json-scanner";
export { event, lifecycle, rawEvent, rawService, service, textService } from "./assembly/entry-points";
export { Caller } from "./assembly/services";

import * as clock from "./assembly/clock";
import * as config from "./assembly/config";
import * as events from "./assembly/events";
import * as http from "./assembly/http";
import * as log from "./assembly/log";
import * as random from "./assembly/random";
import * as services from "./assembly/services";
import * as state from "./assembly/state";
import * as storage from "./assembly/storage";

export { clock, config, events, http, log, random, services, state, storage };
