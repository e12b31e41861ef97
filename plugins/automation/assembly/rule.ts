// A rule: when an event of this type comes, or a time, and the data meets the condition, call that service. Data only, and whether it makes sense.

import { Json, JsonKind } from "@bulkhead/assemblyscript";

const MAX_ID_LENGTH = 64;
const OPERATORS: StaticArray<string> = ["equals", "not-equals", "greater", "less", "exists"];

@json
export class Condition {
  /** A dotted path into the event's data. */
  field!: string;
  operator!: string;
  value: Json | null = null;
}

@json
export class Action {
  service!: string;
  /** What the service gets; "{{data.id}}" in a string stands for that field of the event. */
  arguments: Json | null = null;
  /** False: the service is not waited for, and how it ends is told to the operator and not to the rule. */
  wait: bool = true;
}

@json
export class Times {
  /** Five fields, or six with seconds first. */
  cron: string | null = null;
  /** Of cron; UTC if absent. */
  timezone: string | null = null;
  /** A number and s, m, h or d, such as 15m; instead of cron. */
  every: string | null = null;
  /** Whether a time that passed while nothing ran is made up for. */
  missed: string = "skip";
}

@json
export class Rule {
  id!: string;
  /** A pattern of event types: `devices.*`, `devices.**`. This or a schedule. */
  trigger: string | null = null;
  schedule: Times | null = null;
  condition: Condition | null = null;
  action!: Action;
  enabled: bool = true;
}

/** What is wrong with a rule, or null. */
export function problemOf(rule: Rule): string | null {
  if (!isId(rule.id)) return `"${shown(rule.id)}" is no rule id; write 1 to ${MAX_ID_LENGTH} letters, digits, _ or -`;
  const trigger = rule.trigger;
  const schedule = rule.schedule;
  if ((trigger === null) == (schedule === null)) return "write trigger, a pattern of event types, or schedule, times; one of them";
  if (trigger !== null && !isDotted(trigger, true)) {
    return `"${shown(trigger)}" is no pattern of event types; write such as devices.state-changed, devices.* or devices.**`;
  }
  if (schedule !== null) {
    const problem = timesProblem(rule.id, schedule);
    if (problem !== null) return problem;
  }
  if (!isDotted(rule.action.service, false)) return `"${shown(rule.action.service)}" is no service; write such as logger.log`;
  const condition = rule.condition;
  return condition === null ? null : conditionProblem(condition);
}

/** Whether the times ever come the host says when they are planned. */
function timesProblem(id: string, times: Times): string | null {
  if (!isScheduleName(id)) return `"${shown(id)}" is no id of a rule with a schedule; write lower-case letters, digits and -, beginning with no -`;
  const every = times.every;
  if ((times.cron === null) == (every === null)) return "schedule: write cron or every, one of them";
  if (every !== null && millisecondsOf(every) == 0) return `schedule.every is "${shown(every)}"; write a number and s, m, h or d, such as 15m`;
  if (times.missed != "skip" && times.missed != "once") return `schedule.missed is "${shown(times.missed)}"; write skip or once`;
  return null;
}

/** 0 for what is no such text. */
export function millisecondsOf(text: string): u64 {
  const end = text.length - 1;
  if (end < 1 || end > 6) return 0;
  let count: u64 = 0;
  for (let i = 0; i < end; i++) {
    const unit = text.charCodeAt(i);
    if (!isDigit(unit)) return 0;
    count = count * 10 + (unit - 0x30);
  }
  const unit = text.charAt(end);
  if (unit == "s") return count * 1_000;
  if (unit == "m") return count * 60_000;
  if (unit == "h") return count * 3_600_000;
  return unit == "d" ? count * 86_400_000 : 0;
}

function isScheduleName(id: string): bool {
  for (let i = 0; i < id.length; i++) {
    const unit = id.charCodeAt(i);
    if (!isLower(unit) && !isDigit(unit) && unit != 0x2d) return false;
  }
  return id.charCodeAt(0) != 0x2d;
}

function conditionProblem(condition: Condition): string | null {
  if (condition.field.length == 0) return "condition.field is empty";
  if (!OPERATORS.includes(condition.operator)) {
    return `"${shown(condition.operator)}" is no operator; write ${OPERATORS.join(", ")}`;
  }
  if (condition.operator == "exists") return null;
  const value = condition.value;
  if (value === null) return `condition.value is missing, which ${condition.operator} compares with`;
  const compares = condition.operator == "greater" || condition.operator == "less";
  return compares && value.kind != JsonKind.Number ? `condition.value must be a number for ${condition.operator}` : null;
}

function shown(text: string): string {
  return text.substring(0, MAX_ID_LENGTH);
}

function isId(text: string): bool {
  if (text.length == 0 || text.length > MAX_ID_LENGTH) return false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (!isLower(unit | 0x20) && !isDigit(unit) && unit != 0x5f && unit != 0x2d) return false;
  }
  return true;
}

function isDotted(text: string, pattern: bool): bool {
  const segments = text.split(".");
  for (let i = 0; i < segments.length; i++) {
    const segment = segments[i];
    if (pattern && (segment == "*" || (segment == "**" && i == segments.length - 1))) continue;
    if (segment.length == 0) return false;
    for (let k = 0; k < segment.length; k++) {
      const unit = segment.charCodeAt(k);
      if (!isLower(unit) && !isDigit(unit) && unit != 0x2d) return false;
    }
  }
  return pattern || segments.length > 1;
}

function isLower(unit: i32): bool {
  return unit >= 0x61 && unit <= 0x7a;
}

function isDigit(unit: i32): bool {
  return unit >= 0x30 && unit <= 0x39;
}
