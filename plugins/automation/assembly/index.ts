// The automation plugin: services that keep the rules, and the one event handler that applies them.

import { Event, HostError, Json, Nothing, Outcome, Result, done, fail, log, ok, rawEvent, refuse, service, services } from "@bulkhead/assemblyscript";
import { mayFire } from "./loops";
import { fires, meetsAll } from "./match";
import { Action, Rule, problemOf } from "./rule";
import * as rules from "./rules";
import { fill } from "./template";

// A service that hangs must leave time for the other rules of the same event.
const ACTION_DEADLINE_MS = 1_000;

@json
class RuleId {
  id!: string;
}

@json
class Enabling {
  id!: string;
  enabled: bool;
}

/** What the host enters `on_due` with. */
@json
class Due {
  /** The schedule's, which is the rule's id. */
  name!: string;
  due!: string;
  late!: f64;
}

@json
class Rules {
  constructor(readonly rules: Rule[] = []) {}
}

export function add(): i32 {
  return service<Rule, Rule>((rule) => {
    const problem = problemOf(rule);
    if (problem !== null) return refuse<Rule>("invalid-input", problem);
    const added = rules.add(rule);
    return added.isOk ? ok<Rule>(rule) : added.failure<Rule>();
  });
}

export function list(): i32 {
  return service<Nothing, Rules>((_) => {
    const known = rules.all();
    return known.isOk ? ok<Rules>(new Rules(known.value)) : known.failure<Rules>();
  });
}

export function remove(): i32 {
  return service<RuleId, Nothing>((request) => rules.remove(request.id));
}

export function enable(): i32 {
  return service<Enabling, Rule>((request) => rules.enable(request.id, request.enabled));
}

export function on_event(): i32 {
  return rawEvent((event) => {
    const known = rules.all();
    if (!known.isOk) return known.failure<Nothing>();
    for (let i = 0; i < known.value.length; i++) {
      const rule = known.value[i];
      if (fires(rule, event)) fire(rule, event);
    }
    return done();
  });
}

/** A rule's time has come; to condition and arguments it is an event of type automation.due with `name`, `due` and `late`. */
export function on_due(): i32 {
  return service<Due, Nothing>((due) => {
    const found = rules.find(due.name);
    if (!found.isOk) return found.failure<Nothing>();
    const event = new Event();
    event.id = `${due.name} ${due.due}`;
    event.source = "/plugins/automation";
    event.type = "automation.due";
    event.time = due.due;
    event.data = Json.of<Due>(due);
    if (found.value.enabled && meetsAll(found.value, event)) fire(found.value, event);
    return done();
  });
}

function fire(rule: Rule, event: Event): void {
  const ran = mayFire(rule.id, event) ? run(rule.action, event) : fail<Nothing>("it fires in circles", "call-loop");
  if (ran.isOk) return;
  log.warning(`rule ${rule.id} on ${event.type}: ${rule.action.service} failed with ${reasonOf(ran.error)}: ${ran.error.message}`);
}

function reasonOf(error: HostError): string {
  const reason = error.reason;
  return reason === null ? error.code : `${error.code} (${reason})`;
}

function run(action: Action, event: Event): Outcome {
  const template = action.arguments;
  if (template === null) return act<Nothing>(action, new Nothing());
  const filled = fill(template, event);
  return filled.isOk ? act<Json>(action, filled.value) : filled.failure<Nothing>();
}

function act<T>(action: Action, input: T): Outcome {
  if (action.wait) return services.call<T, Nothing>(action.service, input, ACTION_DEADLINE_MS);
  const sent = services.send<T>(action.service, input);
  return sent.isOk ? done() : sent.failure<Nothing>();
}
