// Whether an event fires a rule.

import { Event, JsonKind } from "@bulkhead/assemblyscript";
import { Condition, Rule } from "./rule";

export function fires(rule: Rule, event: Event): bool {
  const trigger = rule.trigger;
  return rule.enabled && trigger !== null && matches(trigger, event.type) && meetsAll(rule, event);
}

/** Whether the data meets the rule's condition, if it has one. */
export function meetsAll(rule: Rule, event: Event): bool {
  const condition = rule.condition;
  return condition === null || meets(condition, event);
}

/** `*` stands for one segment, a last `**` for one or more. */
export function matches(pattern: string, eventType: string): bool {
  const wanted = pattern.split(".");
  const given = eventType.split(".");
  for (let i = 0; i < wanted.length; i++) {
    if (i >= given.length) return false;
    if (wanted[i] == "**") return true;
    if (wanted[i] != "*" && wanted[i] != given[i]) return false;
  }
  return wanted.length == given.length;
}

/** A field that is not there meets no condition, not even not-equals. */
function meets(condition: Condition, event: Event): bool {
  const data = event.data;
  if (data === null) return false;
  const field = data.at(condition.field);
  if (field === null) return false;
  const value = condition.value;
  if (condition.operator == "exists" || value === null) return true;
  if (condition.operator == "equals") return field.equals(value);
  if (condition.operator == "not-equals") return !field.equals(value);
  if (field.kind != JsonKind.Number) return false;
  const left = field.as<f64>().value;
  const right = value.as<f64>().value;
  return condition.operator == "greater" ? left > right : left < right;
}
