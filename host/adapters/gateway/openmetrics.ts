// Metrics as the text that scrapers read: OpenMetrics 1.0 for those that ask for it, the older Prometheus format for all others.

import type { Metric, MetricHistogram, MetricSample } from "../../seams.ts";

export const OPENMETRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8";
export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export const wantsOpenMetrics = (accept: string | undefined): boolean => accept?.includes("application/openmetrics-text") === true;

export function metricsText(metrics: readonly Metric[], isOpenMetrics: boolean): string {
  const text = metrics.map((metric) => [...headOf(metric, isOpenMetrics), ...metric.samples.flatMap((one) => linesOf(metric, one))]);
  return [...text.flat(), ...(isOpenMetrics ? ["# EOF"] : []), ""].join("\n");
}

/** Only in the older format does a counter have its ending where it is described too. */
function headOf({ name, kind, unit, help }: Metric, isOpenMetrics: boolean): string[] {
  const described = kind === "counter" && !isOpenMetrics ? `${name}_total` : name;
  return [
    `# TYPE ${described} ${kind}`,
    ...(unit !== undefined && isOpenMetrics ? [`# UNIT ${described} ${unit}`] : []),
    `# HELP ${described} ${escaped(help)}`,
  ];
}

function linesOf({ name, kind }: Metric, { labels, value }: MetricSample): string[] {
  const inside = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  if (typeof value !== "number") return bucketsOf(name, inside, value);
  return [`${kind === "counter" ? `${name}_total` : name}${braced(inside)} ${value}`];
}

function bucketsOf(name: string, inside: readonly string[], { bounds, counts, sum }: MetricHistogram): string[] {
  let below = 0;
  const buckets = counts.map((count, bucket) => {
    below += count;
    const bound = bounds[bucket];
    return `${name}_bucket${braced([...inside, `le="${bound === undefined ? "+Inf" : bound}"`])} ${below}`;
  });
  return [...buckets, `${name}_sum${braced(inside)} ${sum}`, `${name}_count${braced(inside)} ${below}`];
}

const braced = (inside: readonly string[]): string => (inside.length === 0 ? "" : `{${inside.join(",")}}`);

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', "\n": "\\n" };
const escaped = (text: string): string => text.replace(/[\\"\n]/g, (character) => ESCAPES[character] ?? "");
