// The files in docs/scaling.md: the Job against the schema of Kubernetes, and the script against what Slurm sets.
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { shardOf } from "../src/sweep/shard.ts";
import { readPage } from "./fixtures/docs.ts";

const page = readPage("docs/scaling.md");

/** The blocks of code of a language. */
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}[^\n]*\n([^]*?)^\`\`\``, "gm"))].map(
    ([, text]) => text,
  );

const object = (properties: object, required: string[] = []) => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
});
const [text, whole, list] = [
  { type: "string" },
  { type: "integer", minimum: 0 },
  (items: object) => ({ type: "array", items }),
];
const named = { type: "object", additionalProperties: { type: "string" } };

/** The fields of `batch/v1` Job that Kubernetes 1.29 and newer have, as far as a sweep may need them. */
const jobSchema = object(
  {
    apiVersion: { const: "batch/v1" },
    kind: { const: "Job" },
    metadata: object({ name: text, namespace: text, labels: named }),
    spec: object(
      {
        completionMode: { enum: ["Indexed", "NonIndexed"] },
        completions: whole,
        parallelism: { type: "integer", maximum: 100_000 },
        backoffLimit: whole,
        backoffLimitPerIndex: whole,
        maxFailedIndexes: whole,
        podFailurePolicy: object(
          {
            rules: list(
              object(
                {
                  action: { enum: ["FailIndex", "FailJob", "Ignore", "Count"] },
                  onExitCodes: object(
                    {
                      containerName: text,
                      operator: { enum: ["In", "NotIn"] },
                      values: {
                        type: "array",
                        items: { type: "integer", minimum: 1 },
                        uniqueItems: true,
                        minItems: 1,
                      },
                    },
                    ["operator", "values"],
                  ),
                },
                ["action"],
              ),
            ),
          },
          ["rules"],
        ),
        template: object({
          spec: object(
            {
              restartPolicy: { enum: ["Never", "OnFailure"] },
              containers: list(
                object(
                  {
                    name: text,
                    image: text,
                    command: list(text),
                    args: list(text),
                    resources: object({ requests: named, limits: named }),
                    volumeMounts: list(
                      object({ name: text, mountPath: text }, ["name", "mountPath"]),
                    ),
                  },
                  ["name"],
                ),
              ),
              volumes: list(
                object(
                  {
                    name: text,
                    persistentVolumeClaim: object({ claimName: text }, ["claimName"]),
                    configMap: object({ name: text }),
                  },
                  ["name"],
                ),
              ),
            },
            ["containers"],
          ),
        }),
      },
      ["template"],
    ),
  },
  ["apiVersion", "kind", "spec"],
);

describe("the Job of docs/scaling.md", () => {
  const job = parse(blocks("yaml")[0]);
  const validate = new Ajv({ strict: false }).compile(jobSchema);

  it("has the fields of batch/v1 Job, and no others", () => {
    expect(validate(job), JSON.stringify(validate.errors)).toBe(true);
    const misspelt = structuredClone(job);
    misspelt.spec.backOffLimitPerIndex = 3;
    expect(validate(misspelt)).toBe(false);
  });

  it("keeps the rules that Kubernetes has beyond the schema", () => {
    const { spec } = job;
    // An index may be retried and given up only if pods are numbered and not restarted in their place.
    expect(spec.completionMode).toBe("Indexed");
    expect(spec.template.spec.restartPolicy).toBe("Never");
    expect(spec.backoffLimitPerIndex).toBeGreaterThan(0);
    expect(spec.parallelism).toBeLessThanOrEqual(spec.completions);
    const [rule] = spec.podFailurePolicy.rules;
    expect(rule).toMatchObject({ action: "FailIndex", onExitCodes: { values: [2] } });
    const [container] = spec.template.spec.containers;
    const mounts = container.volumeMounts.map(({ name }: { name: string }) => name);
    expect(spec.template.spec.volumes.map(({ name }: { name: string }) => name)).toEqual(mounts);
  });

  it("gives every pod its part", () => {
    const { completions, template } = job.spec;
    const words: string[] = template.spec.containers[0].command;
    const shard = words[words.indexOf("--shard") + 1];
    const indices = Array.from({ length: completions }, (_, i) =>
      shardOf(shard, { JOB_COMPLETION_INDEX: String(i) }),
    );
    expect(indices).toEqual(indices.map((_, index) => ({ index, count: completions })));
  });
});

it("the tasks of the script for Slurm are the parts of the sweep", () => {
  const script = blocks("sh").find((one) => one.includes("#SBATCH")) ?? "";
  const [, first, last] = /--array=(\d+)-(\d+)/.exec(script) ?? [];
  const count = Number(last) - Number(first) + 1;
  expect(script).toContain("--shard auto");
  for (const task of [Number(first), Number(last)])
    expect(
      shardOf("auto", {
        SLURM_ARRAY_TASK_ID: String(task),
        SLURM_ARRAY_TASK_MIN: first,
        SLURM_ARRAY_TASK_COUNT: String(count),
      }),
    ).toEqual({ index: task - Number(first), count });
});
