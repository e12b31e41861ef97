// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

import * as log from "./log";
import * as events from "./events";
import * as services from "./services";
import * as extensions from "./extensions";
import * as http from "./http";
import * as state from "./state";
import * as storage from "./storage";
import * as blobs from "./blobs";
import * as schedules from "./schedules";
import * as config from "./config";
import * as clock from "./clock";
import * as random from "./random";
import * as crypto from "./crypto";

export { log, events, services, extensions, http, state, storage, blobs, schedules, config, clock, random, crypto };
