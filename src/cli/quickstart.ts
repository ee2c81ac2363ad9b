import { join } from "node:path";
import { z } from "zod";
import { nodeRuntime } from "../engine/runtime/node.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { evaluateInNode } from "../evaluate/node.ts";
import { EvaluateOptions, resolved } from "../evaluate/options.ts";
import { classifier } from "../models/classifier.ts";
import { openModelInNode } from "../models/opening/node.ts";
import { trainInNode } from "../train/node.ts";
import { type Context, command } from "./kit/command.ts";
import { Device } from "./kit/options.ts";
import { progress } from "./kit/progress.ts";
import { reportCommand } from "./report.ts";

const common = { model: "cnn-small", data: "shapes", recipe: "short", batch: 64 } as const;

/** Enough training for the undefended network to use both cues in an image, and for defended networks to use one. */
const plain = { examples: 3000, epochs: 6, rate: 0.03 };
const attacked = { examples: 2000, epochs: 4, rate: 0.05, steps: 10 };

/** The models, tuned on the validation images of `shapes`; all work takes a few minutes on two cores. */
const defenses = [
  { defense: "standard", training: plain, randomised: false },
  { defense: "at-linf", training: attacked, randomised: false },
  { defense: "rat-linf-uniform", training: attacked, randomised: true },
] as const;
type Defended = (typeof defenses)[number];

// One of five EOT objectives: the others multiply the time of the randomised model.
const evaluation = EvaluateOptions.parse({ examples: 200, objective: "mean-loss" });
const { objective, eot } = resolved(evaluation);

/** The title of an attack; names the objective if the model is randomised. */
const attackTitle = ({ defense, randomised }: Defended): string =>
  `attacking ${defense}${randomised ? ` (EOT ${eot.join(", ")}, objective ${objective} only; rampart evaluate tries every objective)` : ""}`;

// Progress counts gradients of one image, a unit that training and attacks share.
const trainingWork = ({ training }: Defended): number =>
  training.examples * training.epochs * ("steps" in training ? 1 + training.steps : 1);

const evaluationWork = ({ randomised }: Defended): number => {
  const { examples, attacks, steps, draws } = evaluation;
  return examples * attacks.length * (randomised ? steps * sum(eot) + draws / 3 : steps + 1);
};

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** The run directory of a model, and the file of its rows beside it. */
const paths = (out: string, defense: string) => ({
  run: join(out, defense),
  rows: join(out, `${defense}.jsonl`),
});

interface Work {
  readonly out: string;
  readonly runtime: Runtime;
  readonly context: Context;
  /** Called with the finished share of this piece of work. */
  readonly done: (share: number) => void;
}

/** Trains a model, or continues; returns at once if it is trained. False if interrupted. */
async function trained(
  { defense, training }: Defended,
  { out, runtime, context, done }: Work,
): Promise<boolean> {
  const { signal, argv } = context;
  const where = {
    out: paths(out, defense).run,
    resume: true,
    signal,
    command: argv.join(" "),
    device: runtime.target.device,
  };
  for await (const event of trainInNode({ ...common, ...training, defense }, where)) {
    if (event.event === "step") done(event.step / event.steps);
    if (event.event === "epoch") context.emit({ defense, ...event });
    if (event.event === "interrupted") return false;
  }
  return true;
}

/** Attacks the trained model, or continues. False if interrupted. */
async function evaluated({ defense }: Defended, work: Work): Promise<boolean> {
  const { out, runtime, context, done } = work;
  const { run, rows } = paths(out, defense);
  const model = await openModelInNode(run);
  const network = classifier(runtime, model.architecture, model.parameters);
  let left = 1;
  try {
    for await (const event of evaluateInNode(model, evaluation, {
      network,
      target: { ...runtime.target },
      out: rows,
      resume: true,
      signal: context.signal,
      command: context.argv.join(" "),
    })) {
      left = event.total - event.done;
      done(event.done / event.total);
      context.emit(event.row);
    }
  } finally {
    await network.release();
  }
  return left === 0;
}

/** `rampart quickstart`: three small classifiers, two attacks, one report. */
export const quickstartCommand = command({
  summary: "Train three small classifiers, attack them in two norms, and write a report.",
  options: z.strictObject({
    out: z
      .string()
      .default("runs/quickstart")
      .describe("folder to write runs, rows and the report to"),
    device: Device,
  }),
  files: { inputs: [], outputs: { out: { folder: [] } } },
  examples: ["rampart quickstart"],
  async run({ out, device }, context) {
    const runtime = await nodeRuntime({ device });
    const bar = progress(context.stderr, { json: context.json, percent: true });
    const pieces = [
      ...defenses.map((one) => ({
        one,
        title: `training ${one.defense}`,
        work: trainingWork(one),
        act: trained,
      })),
      ...defenses.map((one) => ({
        one,
        title: attackTitle(one),
        work: evaluationWork(one),
        act: evaluated,
      })),
    ];
    const total = sum(pieces.map(({ work }) => work));
    try {
      for (const [i, { one, title, work, act }] of pieces.entries()) {
        bar.log(`${i + 1} of ${pieces.length}: ${title}`);
        const before = sum(pieces.slice(0, i).map((piece) => piece.work));
        const done = (share: number) => bar.update("quickstart", before + share * work, total);
        done(0);
        if (!(await act(one, { out, runtime, context, done }))) {
          bar.log("stopped; finished work is kept, and the same command continues it");
          return;
        }
      }
    } finally {
      bar.stop();
    }
    const rows = defenses.map(({ defense }) => paths(out, defense).rows);
    const report = join(out, "report.html");
    await reportCommand.run({ rows, out: report, format: "html" }, context);
  },
});
