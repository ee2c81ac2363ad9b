// The losses of defences, and their gradients by the weights, against formulas in PyTorch: a long test, since PyTorch starts.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { BatchGradients, LossObjective } from "../src/defenses/objective.ts";
import { defenses } from "../src/defenses/table.ts";
import { relu, reshape, tanh } from "../src/engine/graph/ops.ts";
import type { Value } from "../src/engine/graph/value.ts";
import { nodeRuntime } from "../src/engine/runtime/node.ts";
import { normal, uniform } from "../src/math/distributions.ts";
import { fold, foldAll, keyOf, keysFor } from "../src/math/random.ts";
import { type Tensor, tensor } from "../src/math/tensor.ts";
import type { Architecture } from "../src/models/architecture.ts";
import { architecture } from "../src/models/architectures.ts";
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

/** Two layers with an activation between them. */
const twoLayers = (name: string, activation: (x: Value) => Value): Architecture => ({
  name,
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
    const hidden = activation(linear(reshape(x, [batch, PIXELS]), named("w1"), named("b1")));
    return { logits: linear(hidden, named("w2"), named("b2")), statistics: {} };
  },
});

/** With tanh, every loss is smooth in the weights. */
const smooth = twoLayers("two-layers", tanh);

/** With ReLUs, whose lines CROWN walks through. */
const kinked = twoLayers("two-layers-relu", relu);

/** A network with batch norms in training, and kinks. */
const deep = architecture("wrn-10-1", {
  shape: [1, 8, 8],
  classes: CLASSES,
  mean: [0.5],
  std: [0.25],
});

/** The networks, and how far gradients may be apart in ℓ2 norm, relative to PyTorch's in double precision. */
const networks = [
  { network: smooth, loss: 1e-5, gradient: 1e-4 },
  { network: kinked, loss: 1e-5, gradient: 1e-4 },
  { network: deep, loss: 1e-5, gradient: 2e-2 },
] as const;

interface Case {
  readonly defense: string;
  readonly loss: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** The values of arrays of one number. */
  readonly scalars?: Readonly<Record<string, number>>;
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
  { defense: "ibp", loss: "ibp", options: {}, scalars: { epsilon: 0.02, kappa: 0.6 } },
  {
    defense: "crown-ibp",
    loss: "crown_ibp",
    options: {},
    scalars: { epsilon: 0.02, kappa: 0.3, beta: 0.7 },
  },
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
const images = uniform(keys, [BATCH, ...smooth.inputShape]);

/** Different images for each array that a loss takes. */
function arraysOf(
  { arrays }: LossObjective,
  scalars: Case["scalars"] = {},
): Record<string, Tensor> {
  const shapes = Object.entries(arrays?.(batchShape(smooth, BATCH)) ?? {});
  return Object.fromEntries(
    shapes.map(([name, shape], k) => {
      if (name in scalars) return [name, tensor(shape, [scalars[name]])];
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

const weightsOf = (network: Architecture) => initialParameters(network, keyOf(2));

async function ourAnswer(
  { defense, options, scalars }: Case,
  network: Architecture,
): Promise<BatchGradients> {
  const objective = defenses.named(defense)(options).objective as LossObjective;
  const optimizer = sgd({ momentum: 0, weightDecay: 0 });
  const session = await StepwiseSession.begin(
    await nodeRuntime({ threads: 1 }),
    network,
    optimizer,
    BATCH,
    initialState(network, optimizer, weightsOf(network)),
    lossOfBatch({ type: "defense", name: defense }, objective),
  );
  const arrays = arraysOf(objective, scalars);
  const gradients = await session.gradients({ x: images, arrays, labels, keys });
  await session.release();
  return gradients;
}

const listed = (all: Readonly<Record<string, Tensor>>) =>
  Object.fromEntries(
    Object.entries(all).map(([name, { shape, data }]) => [name, { shape, data: [...data] }]),
  );

/** The answers of one process of PyTorch to all cases on all networks. */
function theirAnswers(): readonly Answer[] {
  const jobs = networks.flatMap(({ network }) =>
    cases.map(({ defense, loss, options, scalars }) => ({
      loss,
      options: Object.assign(
        {
          sigma: 0.25,
          classes: CLASSES,
          crown: defense.startsWith("crown"),
          activation: network === kinked ? "relu" : "tanh",
        },
        options,
      ),
      labels,
      arrays: listed(
        arraysOf(defenses.named(defense)(options).objective as LossObjective, scalars),
      ),
      parameters: listed(weightsOf(network)),
    })),
  );
  const script = join(import.meta.dirname, "fixtures/defense-losses.py");
  const { stdout, stderr } = spawnSync(PYTHON, [script], {
    input: JSON.stringify(jobs),
    maxBuffer: 2 ** 28,
  });
  expect(String(stderr)).toBe("");
  return JSON.parse(String(stdout)) as readonly Answer[];
}

const everyCase = networks.flatMap((limits, n) =>
  cases.map((one, i) => {
    const { name } = limits.network;
    return [one.defense, name, one, limits, n * cases.length + i] as const;
  }),
);

describe.skipIf(!there)("loss and gradients agree with PyTorch:", () => {
  let theirs: readonly Answer[] = [];
  beforeAll(() => {
    theirs = theirAnswers();
  }, 300_000);

  it.each(everyCase)("%s on %s", { timeout: 300_000 }, async (_, __, one, limits, at) => {
    const ours = await ourAnswer(one, limits.network);
    const { loss, gradients } = theirs[at];
    expect(Math.abs(ours.loss - loss)).toBeLessThan(limits.loss * Math.max(1, loss));
    let [apart, length] = [0, 0];
    for (const [name, exact] of Object.entries(gradients)) {
      const own = ours.parameters[name].data;
      const far = Math.hypot(...exact.map((v, j) => v - own[j]));
      if (limits.network !== deep)
        expect(far / Math.hypot(...exact), name).toBeLessThan(limits.gradient);
      apart = Math.hypot(apart, far);
      length = Math.hypot(length, ...exact);
    }
    expect(apart / length).toBeLessThan(limits.gradient);
    expect(Object.keys(gradients).length).toBe(trainableOf(limits.network));
  });
});

const trainableOf = ({ parameters }: Architecture): number =>
  parameters.filter(({ trainable }) => trainable).length;
