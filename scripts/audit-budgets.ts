// Runs the attacks of audit budgets on the same images and counts their passes: what does each find, and what does it cost?
//
//   npx tsx scripts/audit-budgets.ts --model MODEL.onnx [--mean … --std …] --norm linf --epsilon 2/255 --budget standard
//     --out lines.jsonl [--data cifar10] [--from 0] [--to 1000] [--batch 64] [--seed 0] [--name NAME]
//   npx tsx scripts/audit-budgets.ts --table lines.jsonl
//
// Appends a line per group of images, and goes on from the lines that are there. Forward and backward passes are counted at the
// network, per image, with those that decide on clean images and judge results. Seconds are those of the processor, so that
// they depend less on what else the machine does; one thread.

import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { counted } from "../src/attacks/harness.ts";
import { epsilonOption } from "../src/attacks/table.ts";
import type { Norm } from "../src/attacks/victim.ts";
import { evaluationOptions } from "../src/audit/attack-options.ts";
import { AuditOptions } from "../src/audit/options.ts";
import { openDatasetInNode } from "../src/data/node.ts";
import { nodeRuntime } from "../src/engine/runtime/node.ts";
import { scoreAttacks } from "../src/evaluate/evaluate.ts";
import { groupSizeOf } from "../src/evaluate/groups.ts";
import { isBroken } from "../src/evaluate/survivors.ts";
import { classifier } from "../src/models/classifier.ts";
import { openModelInNode } from "../src/models/opening/node.ts";

const Line = z.strictObject({
  model: z.string(),
  norm: z.enum(["linf", "l2", "l1"]),
  epsilon: z.number(),
  budget: z.string(),
  seed: z.number(),
  from: z.number(),
  to: z.number(),
  /** Images that are classified correctly without an attack. */
  clean: z.number(),
  /** Indices of the images that no attack broke, of those. */
  survivors: z.array(z.number()),
  /** For each attack or member, the number of images that it broke. */
  broken: z.record(z.string(), z.number()),
  forwards: z.number(),
  gradients: z.number(),
  seconds: z.number(),
});
type Line = z.output<typeof Line>;

const { values } = parseArgs({
  options: {
    table: { type: "string" },
    model: { type: "string", default: "" },
    name: { type: "string" },
    mean: { type: "string" },
    std: { type: "string" },
    norm: { type: "string", default: "linf" },
    epsilon: { type: "string", default: "0.031" },
    budget: { type: "string", default: "standard" },
    data: { type: "string", default: "cifar10" },
    out: { type: "string", default: "" },
    from: { type: "string", default: "0" },
    to: { type: "string", default: "1000" },
    batch: { type: "string", default: "64" },
    seed: { type: "string", default: "0" },
  },
});

const linesOf = (path: string): Line[] =>
  existsSync(path)
    ? readFileSync(path, "utf8")
        .trim()
        .split("\n")
        .filter(Boolean)
        .map((line) => Line.parse(JSON.parse(line)))
    : [];

const cellOf = ({
  model,
  norm,
  epsilon,
  budget,
  seed,
}: Pick<Line, "model" | "norm" | "epsilon" | "budget" | "seed">): string =>
  `${model} ${norm} ${epsilon} ${budget} ${seed}`;

function numberOf(text: string): number {
  const [over, under = "1"] = text.split("/");
  return Number(over) / Number(under);
}

const numbersOf = (text: string | undefined): number[] | undefined => text?.split(",").map(Number);

/** A table of all cells: accuracies in percent, passes per image, seconds of the processor. */
function printTable(lines: readonly Line[]): void {
  const cells = new Map<string, Line[]>();
  for (const line of lines) cells.set(cellOf(line), [...(cells.get(cellOf(line)) ?? []), line]);
  const sum = (of: readonly Line[], value: (line: Line) => number) =>
    of.reduce((total, line) => total + value(line), 0);
  for (const [cell, of] of cells) {
    const images = sum(of, ({ from, to }) => to - from);
    const share = (count: number) => `${((100 * count) / images).toFixed(1)} %`;
    console.log(
      [
        cell,
        `images ${images}`,
        `clean ${share(sum(of, ({ clean }) => clean))}`,
        `robust ${share(sum(of, ({ survivors }) => survivors.length))}`,
        `forwards ${(sum(of, ({ forwards }) => forwards) / images).toFixed(1)}`,
        `gradients ${(sum(of, ({ gradients }) => gradients) / images).toFixed(1)}`,
        `seconds ${sum(of, ({ seconds }) => seconds).toFixed(0)}`,
      ].join(" | "),
    );
  }
}

async function measure(): Promise<void> {
  const norm = values.norm as Norm;
  const epsilon = numberOf(values.epsilon);
  const seed = Number(values.seed);
  const [from, to, batch] = [values.from, values.to, values.batch].map(Number);
  const runtime = await nodeRuntime({ threads: 1 });
  const reading = { runtime, mean: numbersOf(values.mean), std: numbersOf(values.std) };
  const model = await openModelInNode(values.model, reading);
  const dataset = await openDatasetInNode(values.data, {});
  const options = evaluationOptions(
    AuditOptions.parse({
      norms: [norm],
      [epsilonOption[norm]]: [epsilon],
      budget: values.budget,
      examples: to,
      batch,
      seed,
    }),
    model.architecture.classes,
    null,
  );
  const network = classifier(runtime, model.architecture, model.parameters);
  const group = groupSizeOf(options, false);
  const name = values.name ?? basename(values.model, ".onnx");
  const cell = { model: name, norm, epsilon, budget: values.budget, seed };
  for (let start = from; start < to; start += group) {
    const range = { from: start, to: Math.min(to, start + group) };
    const isDone = linesOf(values.out).some(
      (line) => cellOf(line) === cellOf(cell) && line.from === range.from && line.to === range.to,
    );
    if (isDone) continue;
    const counting = counted(network);
    const evaluated = { model: name, defense: "", noise: null, network: counting };
    const began = process.cpuUsage();
    const right = new Set<number>();
    const survivors = new Set<number>();
    const broken: Record<string, number> = {};
    for await (const { row } of scoreAttacks(
      evaluated,
      { name: values.data, test: dataset.test },
      options,
      undefined,
      undefined,
      undefined,
      undefined,
      range,
    )) {
      const { index, clean, attack, objective } = row;
      if (clean === 1 && !right.has(index)) {
        right.add(index);
        survivors.add(index);
      }
      if (!isBroken(row) || !survivors.delete(index)) continue;
      const by =
        attack.startsWith("auto") || attack.startsWith("adaptive")
          ? String(objective)
          : `${attack} ${objective}`;
      broken[by] = (broken[by] ?? 0) + 1;
    }
    const { user, system } = process.cpuUsage(began);
    const counts = {
      clean: right.size,
      survivors: [...survivors],
      broken,
      seconds: (user + system) / 1e6,
    };
    const line: Line = Object.assign({}, cell, range, counts, counting.queries());
    appendFileSync(values.out, `${JSON.stringify(line)}\n`);
    printTable([line]);
  }
  await network.release();
}

if (values.table !== undefined) printTable(linesOf(values.table));
else await measure();
