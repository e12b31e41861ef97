// The rules: durable in storage, one key a rule, and in memory once read, because every event asks for all of them.

import { Nothing, Outcome, Result, done, ok, refuse, storage } from "@bulkhead/assemblyscript";
import { Rule } from "./rule";
import { plan, unplan } from "./times";

const PREFIX = "rule/";
const MAX_RULES = 1_000;

let cached: Rule[] | null = null;

export function all(): Result<Rule[]> {
  const known = cached;
  if (known !== null) return ok<Rule[]>(known);
  const keys = storage.keys(PREFIX, null, MAX_RULES);
  if (!keys.isOk) return keys.failure<Rule[]>();
  const rules: Rule[] = [];
  for (let i = 0; i < keys.value.length; i++) {
    const stored = storage.getJson<Rule>(keys.value[i]);
    if (!stored.isOk) return stored.failure<Rule[]>();
    const rule = stored.value;
    if (rule !== null) rules.push(rule);
  }
  cached = rules;
  return ok<Rule[]>(rules);
}

export function add(rule: Rule): Outcome {
  const rules = all();
  if (!rules.isOk) return rules.failure<Nothing>();
  if (indexOf(rules.value, rule.id) >= 0) return refuse<Nothing>("conflict", `rule ${rule.id} exists already`);
  if (rules.value.length >= MAX_RULES) return refuse<Nothing>("conflict", `there are ${MAX_RULES} rules, which is the most`);
  const saved = save(rule);
  if (!saved.isOk) return saved;
  const planned = plan(rule);
  if (!planned.isOk) {
    cached = null;
    storage.remove(PREFIX + rule.id);
  }
  return planned;
}

export function remove(id: string): Outcome {
  const found = find(id);
  if (!found.isOk) return found.failure<Nothing>();
  cached = null;
  const removed = storage.remove(PREFIX + id);
  return removed.isOk ? unplan(found.value) : removed.failure<Nothing>();
}

export function enable(id: string, enabled: bool): Result<Rule> {
  const found = find(id);
  if (!found.isOk) return found;
  found.value.enabled = enabled;
  const saved = save(found.value);
  if (!saved.isOk) return saved.failure<Rule>();
  const planned = enabled ? plan(found.value) : unplan(found.value);
  return planned.isOk ? found : planned.failure<Rule>();
}

export function find(id: string): Result<Rule> {
  const rules = all();
  if (!rules.isOk) return rules.failure<Rule>();
  const index = indexOf(rules.value, id);
  return index < 0 ? refuse<Rule>("not-found", `no rule ${id}`) : ok<Rule>(rules.value[index]);
}

/** What is in memory is read anew after a write, so that both never differ, even if the write fails. */
function save(rule: Rule): Outcome {
  cached = null;
  return storage.setJson<Rule>(PREFIX + rule.id, rule);
}

function indexOf(rules: Rule[], id: string): i32 {
  for (let i = 0; i < rules.length; i++) if (rules[i].id == id) return i;
  return -1;
}
