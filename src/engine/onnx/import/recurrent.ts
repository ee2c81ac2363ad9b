// Recurrent layers, unrolled: a classifier that reads an image row by row has few steps. Shapes are those of ONNX:
// x [length, batch, features], w [directions, gates·hidden, features], r [directions, gates·hidden, hidden].

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { activations } from "./activations.ts";
import { stack } from "./arithmetic.ts";
import type { Importer, Importers, ImportNode } from "./import-node.ts";

/** Steps that a layer may have, and nodes that each counts for: its products, gates and sums. */
const MAX_STEPS = 1024;
const NODES_PER_STEP = 4;

/** One direction: its weights, and its state [batch, hidden] (of an LSTM also its cell). */
interface Direction {
  readonly w: Value;
  readonly r: Value;
  /** [gates·hidden] of the input and of the state. */
  readonly biases: readonly [Value | undefined, Value | undefined];
  readonly peepholes: readonly Value[];
  readonly f: readonly ((x: Value) => Value)[];
}

/** A step: (what w and r make of input and state, state, cell) → next state and cell. */
type Step = (
  node: ImportNode,
  direction: Direction,
  x: Value,
  h: Value,
  c: Value,
) => readonly [h: Value, c: Value];

const transposed = (m: Value) => g.transpose(m, [1, 0]);

const plus = (x: Value, bias: Value | undefined): Value =>
  bias === undefined ? x : g.add(x, bias);

/** Columns of gate i among `count`. */
function gate(x: Value, i: number, count: number): Value {
  const size = x.shape[x.shape.length - 1] / count;
  return g.sliceAxis(x, x.shape.length - 1, i * size, (i + 1) * size);
}

const gateOf = (v: Value | undefined, i: number, count: number): Value | undefined =>
  v === undefined ? undefined : gate(v, i, count);

/** h′ = f(x·wᵀ + h·rᵀ + biases). */
const rnnStep: Step = (_, { w, r, biases, f }, x, h, c) => {
  const product = g.add(g.matmul(x, transposed(w)), g.matmul(h, transposed(r)));
  return [f[0](plus(plus(product, biases[0]), biases[1])), c];
};

/** Gates update z and reset r, then the candidate; `linear_before_reset` is PyTorch's form. */
const gruStep: Step = (node, { w, r, biases: [wb, rb], f }, x, h, c) => {
  const fromX = plus(g.matmul(x, transposed(w)), wb);
  const fromH = plus(g.matmul(h, transposed(r)), rb);
  const [z, reset] = [0, 1].map((i) => f[0](g.add(gate(fromX, i, 3), gate(fromH, i, 3))));
  const size = h.shape[1];
  const candidate =
    node.int("linear_before_reset", 0) === 1
      ? g.mul(reset, gate(fromH, 2, 3))
      : plus(
          g.matmul(g.mul(reset, h), transposed(g.sliceAxis(r, 0, 2 * size, 3 * size))),
          gateOf(rb, 2, 3),
        );
  const next = f[1](g.add(gate(fromX, 2, 3), candidate));
  return [g.add(g.mul(g.sub(g.scalarLike(z, 1), z), next), g.mul(z, h)), c];
};

/** Gates in the order input, output, forget, cell, with peepholes to the first three. */
const lstmStep: Step = (node, { w, r, biases, peepholes: [pi, po, pf], f }, x, h, c) => {
  const product = g.add(g.matmul(x, transposed(w)), g.matmul(h, transposed(r)));
  const all = plus(plus(product, biases[0]), biases[1]);
  const peeped = (v: Value, peephole: Value | undefined, cell: Value) =>
    peephole === undefined ? v : g.add(v, g.mul(peephole, cell));
  const input = f[0](peeped(gate(all, 0, 4), pi, c));
  const forget =
    node.int("input_forget", 0) === 1
      ? g.sub(g.scalarLike(input, 1), input)
      : f[0](peeped(gate(all, 2, 4), pf, c));
  const cell = g.add(g.mul(forget, c), g.mul(input, f[1](gate(all, 3, 4))));
  const output = f[0](peeped(gate(all, 1, 4), po, cell));
  return [g.mul(output, f[2](cell)), cell];
};

interface Kind {
  readonly step: Step;
  /** By default, per direction. */
  readonly functions: readonly string[];
  /** Places of the cell's start and of the peepholes among the inputs. */
  readonly cell?: number;
  readonly peepholes?: number;
}

/** The functions of all directions; their numbers are listed per function that has some. */
function functionsOf(node: ImportNode, { functions }: Kind, directions: number) {
  const names =
    node.texts("activations") ?? Array.from({ length: directions }, () => functions).flat();
  const clip = node.float("clip", 0);
  const takes = (name: string) =>
    /^(Affine|Elu|HardSigmoid|LeakyRelu|ScaledTanh|ThresholdedRelu)$/i.test(name);
  const [alphas, betas] = ["activation_alpha", "activation_beta"].map((name) => [
    ...(node.floats(name) ?? []),
  ]);
  return names.map((name) => {
    const found = Object.keys(activations).find((one) => one.toLowerCase() === name.toLowerCase());
    if (found === undefined) throw node.error(`has the activation ${name}, which cannot be read`);
    const [alpha, beta] = takes(name) ? [alphas.shift(), betas.shift()] : [];
    const given = { alpha, beta } as Readonly<Record<string, number | undefined>>;
    return (x: Value): Value => {
      const inside = clip > 0 ? g.clip(x, -clip, clip) : x;
      const float = (key: string, fallback: number) => given[key] ?? fallback;
      const inner = { ...node, inputs: [inside], input: () => inside, float };
      return [activations[found](inner)].flat()[0];
    };
  });
}

/** The d-th of the first axis, without that axis. */
const at = (v: Value, d: number): Value => g.reshape(g.sliceAxis(v, 0, d, d + 1), v.shape.slice(1));

const recurrent =
  (kind: Kind): Importer =>
  (node) => {
    const batchFirst = node.int("layout", 0) === 1;
    const swap = (v: Value) =>
      batchFirst ? g.transpose(v, [1, 0, ...v.shape.map((_, i) => i).slice(2)]) : v;
    const [x, w, r] = [swap(node.input(0)), node.input(1), node.input(2)];
    const [length, batch] = x.shape;
    const [directions, hidden] = [w.shape[0], r.shape[2]];
    if (length > MAX_STEPS)
      throw node.error(`reads ${length} steps; up to ${MAX_STEPS} can be read`);
    if (directions > 2) throw node.error(`has weights for ${directions} directions`);
    const lengths = node.inputs[4] === undefined ? [] : (node.constantInts(4) ?? []);
    if (lengths.some((n) => n !== length))
      throw node.error(
        `has sequences of lengths [${lengths}] instead of ${length}; images have one size`,
      );
    const functions = functionsOf(node, kind, directions);
    const perDirection = kind.functions.length;
    const zeros = g.expand(g.scalarLike(x, 0), [batch, hidden]);
    const start = (i: number | undefined, d: number) => {
      const given = i === undefined ? undefined : node.inputs[i];
      return given === undefined ? zeros : at(swap(given), d);
    };
    const backward = node.text("direction", "forward") === "reverse";
    const runs = Array.from({ length: directions }, (_, d) => {
      const bias = node.inputs[3] === undefined ? undefined : at(node.inputs[3], d);
      const peephole = kind.peepholes === undefined ? undefined : node.inputs[kind.peepholes];
      const direction: Direction = {
        w: at(w, d),
        r: at(r, d),
        biases: [gateOf(bias, 0, 2), gateOf(bias, 1, 2)],
        peepholes: peephole === undefined ? [] : [0, 1, 2].map((i) => gate(at(peephole, d), i, 3)),
        f: functions.slice(d * perDirection, (d + 1) * perDirection),
      };
      const order = Array.from({ length }, (__, t) => (d === 1 || backward ? length - 1 - t : t));
      let [h, c] = [start(5, d), start(kind.cell, d)];
      const states = new Array<Value>(length);
      for (const t of order) {
        node.countNodes(NODES_PER_STEP);
        [h, c] = kind.step(node, direction, at(x, t), h, c);
        states[t] = h;
      }
      return { states, h, c };
    });
    const steps = Array.from({ length }, (_, t) =>
      stack(
        runs.map(({ states }) => states[t]),
        0,
      ),
    );
    const all = stack(steps, 0);
    const last = [runs.map(({ h }) => h), runs.map(({ c }) => c)].map((v) => swap(stack(v, 0)));
    return [batchFirst ? g.transpose(all, [2, 0, 1, 3]) : all, ...last];
  };

export const recurrents: Importers = {
  RNN: recurrent({ step: rnnStep, functions: ["Tanh"] }),
  GRU: recurrent({ step: gruStep, functions: ["Sigmoid", "Tanh"] }),
  LSTM: recurrent({
    step: lstmStep,
    functions: ["Sigmoid", "Tanh", "Tanh"],
    cell: 6,
    peepholes: 7,
  }),
};
