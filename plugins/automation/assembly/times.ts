// The schedules of rules, which the host keeps: one of the rule's name for each that has times and is enabled.

import { Nothing, Outcome, Some, done, refuse, schedules } from "@bulkhead/assemblyscript";
import { Rule, millisecondsOf } from "./rule";

const ENTRY_POINT = "on_due";

/** Nothing for a rule without times, and for one that is switched off. Refuses times that never come. */
export function plan(rule: Rule): Outcome {
  const times = rule.schedule;
  if (times === null || !rule.enabled) return done();
  const schedule = new schedules.Schedule(rule.id, ENTRY_POINT);
  const every = times.every;
  schedule.cron = times.cron;
  if (every !== null) schedule.everyMs = new Some<u64>(millisecondsOf(every));
  schedule.timezone = times.timezone;
  schedule.missed = times.missed;
  const planned = schedules.set(schedule);
  if (planned.isOk) return done();
  const error = planned.error;
  return error.code == "invalid-message" ? refuse<Nothing>("invalid-input", error.message) : planned.failure<Nothing>();
}

export function unplan(rule: Rule): Outcome {
  if (rule.schedule === null) return done();
  const cancelled = schedules.cancel(rule.id);
  return cancelled.isOk ? done() : cancelled.failure<Nothing>();
}
