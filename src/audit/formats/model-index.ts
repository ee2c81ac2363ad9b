import type { AuditResult } from "../result.ts";
import { unionText } from "../text.ts";
import { limitationsOf } from "./gate.ts";
import type { ResultFormat } from "./result-format.ts";

/** A metric of a model index; Hugging Face shows `name` and `value`. */
interface Metric {
  readonly type: string;
  readonly name: string;
  readonly value: number;
  readonly args?: Readonly<Record<string, unknown>>;
}

function metricsOf({ clean, unions, proofs }: AuditResult): Metric[] {
  const metrics: Metric[] = [{ type: "accuracy", name: "clean accuracy", value: clean.mean }];
  for (const { balls, attacks, accuracy } of unions)
    metrics.push({
      type: "accuracy",
      name: `accuracy under ${unionText(balls)}`,
      value: accuracy.mean,
      args: { balls, attacks, low: accuracy.low, high: accuracy.high },
    });
  for (const { norm, epsilon, proven, examples } of proofs?.balls ?? [])
    metrics.push({
      type: "accuracy",
      name: `${proofs?.kind === "proof" ? "proven" : "certified"} accuracy in ${norm} ${epsilon}`,
      value: proven / examples,
      args: { norm, epsilon },
    });
  return metrics;
}

/**
 * Plain data as lines of YAML in block style. Scalars are written as JSON, which is valid YAML. This avoids a YAML
 * library, which a page would have to load.
 */
function yamlLines(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [JSON.stringify(value)];
  const isList = Array.isArray(value);
  const entries = isList ? value.map((one) => ["-", one]) : Object.entries(value);
  if (entries.length === 0) return [isList ? "[]" : "{}"];
  return entries.flatMap(([name, one]): string[] => {
    const head = isList ? "-" : `${name}:`;
    const lines = yamlLines(one);
    const isNested = typeof one === "object" && one !== null && Object.keys(one).length > 0;
    if (!isNested) return [`${head} ${lines[0]}`];
    if (!isList) return [head, ...lines.map((line) => `  ${line}`)];
    return lines.map((line, i) => (i === 0 ? `- ${line}` : `  ${line}`));
  });
}

/** Remarks on the accuracies as comments of YAML, one line each. */
function commentLines(result: AuditResult): string[] {
  const remarks = limitationsOf(result).map((text) => text.replace(/[\s\p{Cc}]+/gu, " "));
  if (result.valid) return remarks.map((text) => `# ${text}`);
  const first = "The audit is invalid, so its accuracies are meaningless and left out:";
  return [first, ...remarks].map((text) => `# ${text}`);
}

/**
 * The `model-index` of a Hugging Face model card, to paste into the front matter of its README. Diagnostics are comments; an invalid
 * audit has no results.
 */
export const modelIndex = {
  name: "model-index",
  file: "model-index.yml",
  summary: "model-index of a Hugging Face model card, for the front matter of its README",
  render(result: AuditResult): string {
    const { model, data, examples, valid } = result;
    const evaluated = {
      task: { type: "image-classification" },
      dataset: { name: data, type: data, split: "test", args: { examples } },
      metrics: metricsOf(result),
      source: { name: "Rampart" },
    };
    const index = { name: model, results: valid ? [evaluated] : [] };
    return [...commentLines(result), ...yamlLines({ "model-index": [index] }), ""].join("\n");
  },
} as const satisfies ResultFormat;
