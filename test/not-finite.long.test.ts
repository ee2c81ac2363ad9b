// Answers that are no numbers: the losses of a graph, the node that makes them, and evaluations that go on.

import { describe, expect, it } from "vitest";
import type { Victim } from "../src/attacks/victim.ts";
import { nonFiniteGradients } from "../src/audit/non-finite.ts";
import { gradient } from "../src/engine/autodiff/gradient.ts";
import { interpret } from "../src/engine/graph/interpret.ts";
import {
  constant,
  div,
  input,
  log,
  mean,
  mul,
  relu,
  reshape,
  sqrt,
  sub,
  sum,
} from "../src/engine/graph/ops.ts";
import type { Value } from "../src/engine/graph/value.ts";
import type { Runtime } from "../src/engine/runtime/runtime.ts";
import { scoreAttacks } from "../src/evaluate/evaluate.ts";
import { EvaluateOptions } from "../src/evaluate/options.ts";
import type { Row } from "../src/evaluate/row.ts";
import { ruleNamed } from "../src/evaluate/rule.ts";
import { rowName } from "../src/evaluate/runs.ts";
import { lossGraph, lossWeights } from "../src/losses/graph.ts";
import type { Loss } from "../src/losses/loss.ts";
import { lossOfLogits } from "../src/losses/plain.ts";
import { type NdArray, tensor } from "../src/math/tensor.ts";
import { nonFiniteNode } from "../src/models/non-finite.ts";
import { brightness, brightnessData } from "./fixtures/brightness.ts";
import { rowWith } from "./fixtures/rows-fixture.ts";
import { isSlow } from "./fixtures/slow.ts";

const OUT = Number.NEGATIVE_INFINITY;

describe("losses as graphs are finite, and those of plain arithmetic, with classes at −∞:", () => {
  const z = tensor(
    [3, 6],
    [1, OUT, 3, OUT, OUT, 2, OUT, 4, OUT, OUT, OUT, 5, 1, 2, 3, OUT, 5, OUT],
  );
  const labels = [0, 1, 4];
  const targets = [2, 5, 2];
  const losses: Loss[] = [
    { kind: "ce", labels },
    { kind: "margin", labels },
    { kind: "dlr", labels },
    { kind: "difference", labels, targets },
    { kind: "dlr-targeted", labels, targets },
  ];
  it.each(losses.map((loss) => [loss.kind, loss] as const))("%s", (_, loss) => {
    const [logits, weights] = [input("z", [3, 6]), input("w", [3, 6])];
    const value = lossGraph(loss).losses(logits, weights);
    const outputs = [value, ...gradient(sum(value), [logits])];
    const [found, slopes] = interpret(outputs, { z, w: lossWeights(loss, 6) });
    const plain = lossOfLogits(loss, z);
    for (const [i, v] of plain.losses.entries()) expect(found.data[i]).toBeCloseTo(v, 5);
    for (const [i, v] of plain.gradient.data.entries()) expect(slopes.data[i]).toBeCloseTo(v, 5);
    for (const v of slopes.data) expect(Number.isFinite(v)).toBe(true);
  });
});

describe("a rule", () => {
  it("decides nothing where all draws are NaN, and by the others where some are", () => {
    const nan = [Number.NaN, 1];
    expect(ruleNamed("majority:2").decide(tensor([2, 2], [...nan, ...nan]))).toBe(-1);
    expect(ruleNamed("majority:3").decide(tensor([3, 2], [...nan, 0, 1, 0, 1]))).toBe(1);
    expect(ruleNamed("single").decide(tensor([1, 2], nan))).toBe(-1);
    expect(ruleNamed("mean:2").decide(tensor([2, 2], [...nan, 0, 1]))).toBe(-1);
  });
});

describe("the node behind an answer that is not finite", () => {
  /** Runs graphs in the reference interpreter. */
  const interpreter = {
    compile: async (outputs: Readonly<Record<string, Value>>) => ({
      run: async (feeds: Readonly<Record<string, NdArray>>) => {
        const values = interpret(Object.values(outputs), feeds);
        return Object.fromEntries(Object.keys(outputs).map((name, i) => [name, values[i]]));
      },
      release: async () => undefined,
    }),
  } as unknown as Runtime;
  const network = (logits: (x: Value) => Value) => ({
    name: "n",
    inputShape: [4],
    classes: 2,
    parameters: [],
    dropout: { rate: 0, masks: {} },
    forward: (x: Value) => ({ logits: logits(x), statistics: {} }),
  });
  const ask = (logits: (x: Value) => Value, loss: Loss | null, data = [0.5, 0.5, 0.5, 0.5]) =>
    nonFiniteNode(interpreter, network(logits), {}, { x: tensor([1, 4], data), loss });
  const ce: Loss = { kind: "ce", labels: [0] };
  const two = (x: Value) => mul(reshape(x, [1, 1]), constant(tensor([1, 2], [1, -1])));
  const centred = (x: Value) => sub(x, mean(x, [1], true));

  it("is the root whose slope at 0 is infinite", async () => {
    expect(await ask((x) => two(sqrt(sum(mul(centred(x), centred(x)), [1]))), ce)).toBe("Sqrt");
  });

  it("is the division of 0 by 0 that makes logits of NaN", async () => {
    const logits = (x: Value) => two(sum(div(centred(x), mean(centred(x), [1], true)), [1]));
    expect(await ask(logits, null)).toBe("Div");
  });

  it("is the logarithm of 0, though a later node makes NaN of it", async () => {
    const logits = (x: Value) => {
      const gone = log(sum(relu(sub(x, constant(tensor([1, 4], [1, 1, 1, 1])))), [1]));
      return two(sub(gone, gone));
    };
    expect(await ask(logits, null)).toBe("Log");
  });

  it("is none where all is finite", async () => {
    expect(await ask((x) => two(sum(x, [1])), ce)).toBeNull();
  });
});

const data = await brightnessData();

/** `brightness`, whose gradient is NaN, or its logits, where the first pixel of an image is that of image `blank`. */
function faulty(value: "gradient" | "logits", blank: number): Victim {
  const [level] = data.test.images([blank]).data;
  const isBlank = (x: { readonly data: Float32Array }, i: number) =>
    Math.abs(x.data[4 * i] - level) < 0.11;
  return {
    async logits(x, keys) {
      const z = await brightness.logits(x, keys);
      for (let i = 0; i < keys.length; i++)
        if (value === "logits" && x.data[4 * i] === level) z.data[2 * i] = Number.NaN;
      return z;
    },
    async lossAndGradient(x, loss, keys) {
      const answer = await brightness.lossAndGradient(x, loss, keys);
      const logits = await this.logits(x, keys);
      for (let i = 0; i < keys.length; i++)
        if (value === "gradient" && isBlank(x, i))
          answer.gradient.data.fill(Number.NaN, 4 * i, 4 * i + 4);
      return { losses: answer.losses, logits, gradient: answer.gradient };
    },
  };
}

async function rowsOf(network: Victim, given: Record<string, unknown>, rows: readonly Row[] = []) {
  const options = EvaluateOptions.parse(given);
  const subject = { model: "m", defense: "d", network, noise: null, locate: async () => "node" };
  const finished = new Set(rows.map(rowName));
  const found: Row[] = [];
  for await (const { row } of scoreAttacks(subject, data, options, finished)) found.push(row);
  return found;
}

const everything = [
  "fgsm-linf",
  "pgd-linf",
  "pgd-t-l2",
  "apgd-ce-linf",
  "apgd-t-l2",
  "apgd-dlr-l1",
  "autoattack-l2",
  "deepfool-l2",
  "ddn-l2",
  "fmn-l1",
  "fab-t-linf",
  "cw-l2",
  "square-linf",
  "sparse-rs-l0",
  "sigma-zero-l0",
];
const small = {
  steps: 4,
  pgdTSteps: 4,
  apgdSteps: 6,
  squareQueries: 30,
  sparseRsQueries: 30,
  fabSteps: 4,
};
const fast = {
  cwSteps: 6,
  cwSearches: 2,
  ddnSteps: 6,
  fmnSteps: 6,
  deepfoolSteps: 6,
  sigmaZeroSteps: 6,
};
const all = {
  attacks: everything,
  epsilonLinf: [0.1],
  epsilonL2: [0.2],
  epsilonL1: [0.4],
  epsilonL0: [2],
};
const options = Object.assign({}, small, fast, all);

const plain = (row: Row) => Object.assign({}, row, { seconds: 0 });

/** What several tests compare with. */
const healthy = await rowsOf(brightness, options);
const faultyRows = await rowsOf(faulty("gradient", 5), options);

describe("an evaluation that meets a gradient of NaN", () => {
  it("goes on under every attack, names the image, and changes no other row", async () => {
    const rows = faultyRows;
    const others = (row: Row) => row.nonFinite === undefined;
    const named = new Set(rows.filter((row) => !others(row)).map(({ index }) => index));
    expect(named.has(5)).toBe(true);
    const untouched = healthy.filter(({ index }) => !named.has(index)).map(plain);
    expect(untouched.length).toBeGreaterThan(20);
    expect(rows.filter(({ index }) => !named.has(index)).map(plain)).toEqual(untouched);
    const own = rows.filter(({ index }) => index === 5);
    expect(own).toHaveLength(everything.length);
    for (const { nonFinite } of own) expect(nonFinite).toEqual({ value: "gradient", node: "node" });
  });

  it("breaks what is broken without a gradient", async () => {
    const far = Object.assign({}, options, { attacks: ["fgsm-linf"], epsilonLinf: [0.5] });
    const row = (await rowsOf(faulty("gradient", 5), far)).find(({ index }) => index === 5);
    expect(row).toMatchObject({ correct: 0, objective: "without-gradients" });
  });
});

describe("an evaluation that meets logits of NaN", () => {
  it("counts the image as wrong, with no class, and stays at the others' rows", async () => {
    const rows = await rowsOf(faulty("logits", 5), options);
    for (const row of rows.filter(({ index }) => index === 5))
      expect(row).toMatchObject({ clean: 0, prediction: -1, nonFinite: { value: "logits" } });
    const others = (of: readonly Row[]) => of.filter(({ index }) => index !== 5).map(plain);
    expect(others(rows)).toEqual(others(healthy));
  });
});

describe("rows are the same", () => {
  const sorted = (rows: readonly Row[]) =>
    rows.map(plain).sort((a, b) => rowName(a).localeCompare(rowName(b)));

  it.each(isSlow ? [1, 2, 5] : [1, 5])(
    "in batches of %i, under every attack, passes included",
    async (batch) => {
      const whole = healthy;
      const own = await rowsOf(brightness, Object.assign({ batch }, options));
      expect(sorted(own)).toEqual(sorted(whole));
      // Examples that break early have cost less: no mean over a batch hides it.
      const costs = whole
        .filter(({ attack }) => attack === "pgd-linf")
        .map(({ queries }) => queries);
      expect(new Set(costs).size).toBeGreaterThan(1);
    },
  );

  it("wherever the file was torn, for sound and faulty networks", async () => {
    for (const [network, whole] of [
      [brightness, healthy],
      [faulty("gradient", 5), faultyRows],
    ] as const) {
      for (const kept of isSlow ? [1, 7, 40, whole.length - 1] : [7]) {
        const begun = whole.slice(0, kept);
        const rest = await rowsOf(network, options, begun);
        expect(sorted([...begun, ...rest])).toEqual(sorted(whole));
      }
    }
  });
});

describe("the sign of answers that are not finite", () => {
  const rows = (count: number, faults: number) =>
    Array.from({ length: count }, (_, index) =>
      rowWith({
        index,
        nonFinite: index < faults ? { value: "gradient", node: 'node "sd" (Sqrt)' } : undefined,
      }),
    );

  it("is a warning up to 1 % of the images, and invalid above", () => {
    expect(nonFiniteGradients({ rows: rows(100, 0) })).toBeNull();
    expect(nonFiniteGradients({ rows: rows(100, 1) })).toMatchObject({ severity: "warning" });
    expect(nonFiniteGradients({ rows: rows(100, 2) })).toMatchObject({ severity: "invalid" });
    expect(nonFiniteGradients({ rows: rows(32, 1) })).toMatchObject({ severity: "invalid" });
  });

  it("names images and nodes", () => {
    const { text = "" } = nonFiniteGradients({ rows: rows(100, 1) }) ?? {};
    expect(text).toContain('1 image (index 0), first made by node "sd" (Sqrt)');
  });
});
