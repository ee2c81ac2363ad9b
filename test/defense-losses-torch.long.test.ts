// The losses of defences, and their gradients by the weights, against formulas in PyTorch: a long test, since PyTorch starts.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { BatchGradients, LossObjective } from "../src/defenses/objective.ts";
import { defenses } from "../src/defenses/table.ts";
import { reshape, tanh } from "../src/engine/graph/ops.ts";
import { nodeRuntime } from "../src/engine/runtime/node.ts";
import { normal, uniform } from "../src/math/distributions.ts";
import { fold, foldAll, keyOf, keysFor } from "../src/math/random.ts";
import { type Tensor, tensor } from "../src/math/tensor.ts";
import type { Architecture } from "../src/models/architecture.ts";
import { initialParameters } from "../src/models/initial.ts";
import { linear } from "../src/models/layers.ts";
import { batchShape, lossOfBatch } from "../src/train/objective-graph.ts";
import { sgd } from "../src/train/optimizer.ts";
import { StepwiseSession } from "../src/train/stepwise-session.ts";
import { initialState } from "../src/train/train-step.ts";

const PYTHON = "/usr/bin/python3";
const there = spawnSync(PYTHON, ["-c", "import torch"]).status === 0;
if (!there) console.log(`skipped: no PyTorch in ${PYTHON}`);

const [BATCH, PIXELS, HIDDEN, CLASSES] = [8, 64, 16, 5];

const parameter = (name: string, shape: readonly number[], deviation: number) => ({
  name,
  shape,
  trainable: true,
  init: (key: ReturnType<typeof keyOf>) =>
    reshapeTo(shape, normal([fold(key, 3)], [1, shape.reduce((a, b) => a * b)], deviation)),
});
const reshapeTo = (shape: readonly number[], { data }: Tensor) => tensor(shape, data);

/** Two layers with tanh between them, so that every loss is smooth in the weights. */
const network: Architecture = {
  name: "two-layers",
  inputShape: [1, 8, 8],
  classes: CLASSES,
  dropout: { rate: 0, masks: {} },
  parameters: [
    parameter("w1", [HIDDEN, PIXELS], 0.3),
    parameter("b1", [HIDDEN], 0.1),
    parameter("w2", [CLASSES, HIDDEN], 0.4),
    parameter("b2", [CLASSES], 0.1),
  ],
  forward(x, named) {
    const [batch] = x.shape;
    const hidden = tanh(linear(reshape(x, [batch, PIXELS]), named("w1"), named("b1")));
    return { logits: linear(hidden, named("w2"), named("b2")), statistics: {} };
  },
};

interface Case {
  readonly defense: string;
  readonly loss: string;
  readonly options: Readonly<Record<string, unknown>>;
}

const cases: readonly Case[] = [
  { defense: "trades-linf", loss: "trades", options: { beta: 6 } },
  { defense: "trades-l2", loss: "trades", options: { beta: 2 } },
  { defense: "mart-linf", loss: "mart", options: { lambda: 5 } },
  { defense: "avg", loss: "avg", options: { norms: "linf,l2,l1" } },
  { defense: "ramp", loss: "ramp", options: { lambda: 5 } },
  { defense: "consistency", loss: "consistency", options: { copies: 3, lambda: 20, eta: 0.5 } },
  { defense: "smoothadv", loss: "smoothadv", options: { copies: 2 } },
  { defense: "macer", loss: "macer", options: { copies: 6, lambda: 12, gamma: 8, beta: 2 } },
];

/** Labels that most examples get right, so that terms over the right ones are not empty. */
const labels = Array.from({ length: BATCH }, (_, i) => i % CLASSES);

interface Answer {
  readonly loss: number;
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}

const keys = keysFor(
  keyOf(1),
  labels.map((_, i) => i),
);
const images = uniform(keys, [BATCH, ...network.inputShape]);
const parameters = initialParameters(network, keyOf(2));

/** Different images for each array that a loss takes. */
function arraysOf({ arrays }: LossObjective): Record<string, Tensor> {
  const shapes = Object.entries(arrays?.(batchShape(network, BATCH)) ?? {});
  return Object.fromEntries(
    shapes.map(([name, shape], k) => {
      const near = normal(foldAll(keys, k), shape, 0.2).data;
      return [
        name,
        tensor(
          shape,
          images.data.map((v, i) => v + near[i]),
        ),
      ];
    }),
  );
}

async function ourAnswer({ defense, options }: Case): Promise<BatchGradients> {
  const objective = defenses.named(defense)(options).objective as LossObjective;
  const optimizer = sgd({ momentum: 0, weightDecay: 0 });
  const session = await StepwiseSession.begin(
    await nodeRuntime({ threads: 1 }),
    network,
    optimizer,
    BATCH,
    initialState(network, optimizer, parameters),
    lossOfBatch({ type: "defense", name: defense }, objective),
  );
  const arrays = arraysOf(objective);
  const gradients = await session.gradients({ x: images, arrays, labels, keys });
  await session.release();
  return gradients;
}

const listed = (all: Readonly<Record<string, Tensor>>) =>
  Object.fromEntries(
    Object.entries(all).map(([name, { shape, data }]) => [name, { shape, data: [...data] }]),
  );

/** The answers of one process of PyTorch to all cases. */
function theirAnswers(): readonly Answer[] {
  const jobs = cases.map(({ defense, loss, options }) => ({
    loss,
    options: Object.assign({ sigma: 0.25 }, options),
    labels,
    arrays: listed(arraysOf(defenses.named(defense)(options).objective as LossObjective)),
    parameters: listed(parameters),
  }));
  const script = join(import.meta.dirname, "fixtures/defense-losses.py");
  const { stdout, stderr } = spawnSync(PYTHON, [script], { input: JSON.stringify(jobs) });
  expect(String(stderr)).toBe("");
  return JSON.parse(String(stdout)) as readonly Answer[];
}

describe.skipIf(!there)("loss and gradients agree with PyTorch:", () => {
  let theirs: readonly Answer[] = [];
  beforeAll(() => {
    theirs = theirAnswers();
  });

  it.each(cases.map((one, i) => [one.defense, one, i] as const))("%s", async (_, one, i) => {
    const ours = await ourAnswer(one);
    const { loss, gradients } = theirs[i];
    expect(Math.abs(ours.loss - loss)).toBeLessThan(1e-5 * Math.max(1, loss));
    for (const [name, exact] of Object.entries(gradients)) {
      const own = ours.parameters[name].data;
      const apart = Math.hypot(...exact.map((v, j) => v - own[j]));
      expect(apart / Math.hypot(...exact), name).toBeLessThan(1e-4);
    }
  });
});
