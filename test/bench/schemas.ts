// What it takes to check a payload by its JSON Schema, beside what it takes to parse it, which a check needs first.

import { JsonSchema } from "../../host/bounds/json-schema/schema.ts";
import { measureBoth, type Row, slower } from "./measure.ts";

const DEVICE = {
  type: "object",
  additionalProperties: false,
  required: ["id", "on"],
  properties: {
    id: { type: "string", pattern: "^[A-Za-z0-9_-]{1,64}$" },
    name: { type: "string", maxLength: 200 },
    on: { type: "boolean" },
    level: { type: "integer", minimum: 0, maximum: 100 },
    tags: { type: "array", items: { type: "string", maxLength: 20 }, uniqueItems: true },
    place: { type: "object", properties: { room: { type: "string" }, floor: { type: "integer" } } },
  },
};
const device = (i: number): object => ({
  ...{ id: `lamp-${i}`, name: "Kitchen", on: true, level: i % 100, tags: ["a", "b"] },
  place: { room: "kitchen", floor: 1 },
});
const list = (items: unknown): object => ({ type: "array", items });

const SHAPES = [
  { name: "an object of 100 B, with a pattern", schema: DEVICE, value: device(1), times: 5_000, goal: 15 },
  {
    name: "a list of 1,000 such objects",
    schema: list(DEVICE),
    value: Array.from({ length: 1_000 }, (_, i) => device(i)),
    times: 20,
    goal: 12,
  },
  {
    name: "a list of 100,000 numbers",
    schema: list({ type: "number" }),
    value: Array.from({ length: 100_000 }, (_, i) => i * 1.5),
    times: 10,
    goal: 4,
  },
] as const;

export async function benchSchemas(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { name, schema, value, times, goal } of SHAPES) {
    const checker = new JsonSchema(schema);
    const text = JSON.stringify(value);
    const runOurs = async (): Promise<number> => repeated(times, () => checker.check(value));
    const runTheirs = async (): Promise<number> => repeated(times, () => JSON.parse(text));
    rows.push(slower(`check of ${name} by its schema vs JSON.parse of it`, await measureBoth({ runOurs, runTheirs }), goal));
  }
  return rows;
}

/** Microseconds a repetition. */
function repeated(times: number, work: () => unknown): number {
  const start = performance.now();
  for (let i = 0; i < times; i += 1) work();
  return ((performance.now() - start) * 1_000) / times;
}
