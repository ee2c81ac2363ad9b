// Recurrent layers, which the import unrolls. Classifiers that read an image row by row have few steps.
// https://onnx.ai/onnx/operators/onnx__RNN.html
// https://onnx.ai/onnx/operators/onnx__GRU.html
// https://onnx.ai/onnx/operators/onnx__LSTM.html
//
// Opset 14: `layout`, with the batch first. Otherwise all versions are the same.
//
// Shapes: x [length, batch, feature], w [direction, gate·hidden, feature], r [direction,
// gate·hidden, hidden], states [batch, hidden].

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { activations } from "./activations.ts";
import { stack } from "./arithmetic.ts";
import { type Importer, type Importers, type ImportNode, importWith } from "./import-node.ts";

/** Maximum steps of a layer, and the number of nodes that each step counts as: products, gates and sums. */
const MAX_STEPS = 1024;
const NODES_PER_STEP = 4;

/** One direction of a layer. */
interface Direction {
  readonly isReverse: boolean;
  readonly w: Value;
  readonly r: Value;
  /** Biases [gate·hidden] of the input and of the state. */
  readonly biases: readonly [Value | undefined, Value | undefined];
  /** Each [hidden], for the input, output and forget gates. */
  readonly peepholes: readonly Value[];
  readonly activations: readonly ((x: Value) => Value)[];
  /** The first state and cell. */
  readonly start: State;
}

/** The state h and the cell c, which only an LSTM uses. */
type State = readonly [h: Value, c: Value];

/** One step of a layer, given x of the step [batch, feature]. */
type Step = (node: ImportNode, direction: Direction, x: Value, state: State) => State;

const transposed = (m: Value) => g.transpose(m, [1, 0]);

const plus = (x: Value, bias: Value | undefined): Value =>
  bias === undefined ? x : g.add(x, bias);

/** The columns of gate i among `count`. */
function gate(x: Value, i: number, count: number): Value {
  const last = x.shape.length - 1;
  const size = x.shape[last] / count;
  return g.sliceAxis(x, last, i * size, (i + 1) * size);
}

const optionalGate = (x: Value | undefined, i: number, count: number): Value | undefined =>
  x === undefined ? undefined : gate(x, i, count);

/** h′ = f(x·wᵀ + h·rᵀ + biases). */
const rnnStep: Step = (_, { w, r, biases, activations: [f] }, x, [h, c]) => {
  const product = g.add(g.matmul(x, transposed(w)), g.matmul(h, transposed(r)));
  return [f(plus(plus(product, biases[0]), biases[1])), c];
};

/**
 * Update gate z, reset gate and candidate (Cho et al. 2014, arXiv:1406.1078). PyTorch sets
 * `linear_before_reset`.
 */
const gruStep: Step = (node, { w, r, biases, activations: [f, candidateOf] }, x, [h, c]) => {
  const fromX = plus(g.matmul(x, transposed(w)), biases[0]);
  const fromH = plus(g.matmul(h, transposed(r)), biases[1]);
  const [z, reset] = [0, 1].map((i) => f(g.add(gate(fromX, i, 3), gate(fromH, i, 3))));
  const size = h.shape[1];
  const recurrence =
    node.int("linear_before_reset", 0) === 1
      ? g.mul(reset, gate(fromH, 2, 3))
      : plus(
          g.matmul(g.mul(reset, h), transposed(g.sliceAxis(r, 0, 2 * size, 3 * size))),
          optionalGate(biases[1], 2, 3),
        );
  const candidate = candidateOf(g.add(gate(fromX, 2, 3), recurrence));
  return [g.add(g.mul(g.sub(g.scalarLike(z, 1), z), candidate), g.mul(z, h)), c];
};

/** Gates in the order input, output, forget, cell. The first three have peepholes (Gers et al. 2002). */
const lstmStep: Step = (node, { w, r, biases, peepholes, activations }, x, [h, c]) => {
  const [f, ofCell, ofOutput] = activations;
  const [inputPeephole, outputPeephole, forgetPeephole] = peepholes;
  const product = g.add(g.matmul(x, transposed(w)), g.matmul(h, transposed(r)));
  const gates = plus(plus(product, biases[0]), biases[1]);
  const withPeephole = (v: Value, peephole: Value | undefined, cell: Value) =>
    peephole === undefined ? v : g.add(v, g.mul(peephole, cell));
  const input = f(withPeephole(gate(gates, 0, 4), inputPeephole, c));
  const forget =
    node.int("input_forget", 0) === 1
      ? g.sub(g.scalarLike(input, 1), input)
      : f(withPeephole(gate(gates, 2, 4), forgetPeephole, c));
  const cell = g.add(g.mul(forget, c), g.mul(input, ofCell(gate(gates, 3, 4))));
  const output = f(withPeephole(gate(gates, 1, 4), outputPeephole, cell));
  return [g.mul(output, ofOutput(cell)), cell];
};

/** A kind of layer. */
interface Kind {
  readonly step: Step;
  /** Default activations of one direction. */
  readonly activations: readonly string[];
  /** Indices of the inputs with the first cell and with the peepholes. */
  readonly cell?: number;
  readonly peepholes?: number;
}

/** Activations that take parameters from `activation_alpha` and `activation_beta`. */
const PARAMETERISED = /^(Affine|Elu|HardSigmoid|LeakyRelu|ScaledTanh|ThresholdedRelu)$/i;

/**
 * The activations of all directions. `activation_alpha` and `activation_beta` list numbers only for
 * activations with parameters.
 */
function activationsOf(node: ImportNode, kind: Kind, directions: number) {
  const names =
    node.strings("activations") ??
    Array.from({ length: directions }, () => kind.activations).flat();
  const clip = node.float("clip", 0);
  const alphas = Array.from(node.floats("activation_alpha") ?? []);
  const betas = Array.from(node.floats("activation_beta") ?? []);
  return names.map((name) => {
    const found = Object.keys(activations).find((one) => one.toLowerCase() === name.toLowerCase());
    if (found === undefined) throw node.unsupported(`the activation ${name} is not supported`);
    const hasParameters = PARAMETERISED.test(name);
    const parameters = new Map([
      ["alpha", hasParameters ? alphas.shift() : undefined],
      ["beta", hasParameters ? betas.shift() : undefined],
    ]);
    const float = (key: string, fallback: number) => parameters.get(key) ?? Math.fround(fallback);
    return (x: Value): Value => {
      const clipped = clip > 0 ? g.clip(x, -clip, clip) : x;
      return importWith(activations[found], { ...node, float }, clipped);
    };
  });
}

/** The i-th slice of axis 0, without that axis. */
const at = (v: Value, i: number): Value => g.reshape(g.sliceAxis(v, 0, i, i + 1), v.shape.slice(1));

/** Swaps axes 0 and 1 if the batch is first in the layout of the node. */
const lengthFirst = (node: ImportNode, v: Value): Value =>
  node.int("layout", 0) === 1 ? g.transpose(v, [1, 0, ...v.shape.map((_, i) => i).slice(2)]) : v;

function requireSupported(node: ImportNode, length: number, directions: number): void {
  if (length > MAX_STEPS)
    throw node.unsupported(`${length} time steps are not supported, only up to ${MAX_STEPS}`);
  if (directions > 2)
    throw node.invalid(`the weights are for ${directions} directions, but at most 2 exist`);
  const lengths = node.inputs[4] === undefined ? [] : (node.constantNumbers(4) ?? []);
  if (lengths.some((n) => n !== length))
    throw node.unsupported(
      `sequence_lens [${lengths}] that differ from the ${length} time steps are not supported, since all images have one size`,
    );
}

/** The directions of a layer. `zeros` [batch, hidden] is the default initial state. */
function directionsOf(node: ImportNode, kind: Kind, zeros: Value): Direction[] {
  const [w, r, bias] = [node.input(1), node.input(2), node.inputs[3]];
  const peepholes = kind.peepholes === undefined ? undefined : node.inputs[kind.peepholes];
  const count = w.shape[0];
  const functions = activationsOf(node, kind, count);
  const perDirection = kind.activations.length;
  const isBackward = node.string("direction", "forward") === "reverse";
  const start = (input: number | undefined, d: number) => {
    const states = input === undefined ? undefined : node.inputs[input];
    return states === undefined ? zeros : at(lengthFirst(node, states), d);
  };
  return Array.from({ length: count }, (_, d) => {
    const ownBias = bias === undefined ? undefined : at(bias, d);
    return {
      isReverse: d === 1 || isBackward,
      w: at(w, d),
      r: at(r, d),
      biases: [optionalGate(ownBias, 0, 2), optionalGate(ownBias, 1, 2)],
      peepholes: peepholes === undefined ? [] : [0, 1, 2].map((i) => gate(at(peepholes, d), i, 3)),
      activations: functions.slice(d * perDirection, (d + 1) * perDirection),
      start: [start(5, d), start(kind.cell, d)],
    };
  });
}

/** All states h of one direction by step, and the last state and cell. */
function unroll(node: ImportNode, { step }: Kind, direction: Direction, x: Value) {
  const [length] = x.shape;
  const states = new Array<Value>(length);
  let state = direction.start;
  for (let i = 0; i < length; i++) {
    node.countNodes(NODES_PER_STEP);
    const t = direction.isReverse ? length - 1 - i : i;
    state = step(node, direction, at(x, t), state);
    states[t] = state[0];
  }
  return { states, last: state };
}

/** (x, w, r, bias?, lengths?, h?, …) ↦ (states [length, direction, batch, hidden], last h, last c). */
const recurrent =
  (kind: Kind): Importer =>
  (node) => {
    const x = lengthFirst(node, node.input(0));
    const [length, batch] = x.shape;
    requireSupported(node, length, node.input(1).shape[0]);
    const zeros = g.expand(g.scalarLike(x, 0), [batch, node.input(2).shape[2]]);
    const runs = directionsOf(node, kind, zeros).map((one) => unroll(node, kind, one, x));
    const steps = Array.from({ length }, (_, t) =>
      stack(
        runs.map(({ states }) => states[t]),
        0,
      ),
    );
    const states = stack(steps, 0);
    const [h, c] = [0, 1].map((i) => {
      const lasts = runs.map(({ last }) => last[i]);
      return lengthFirst(node, stack(lasts, 0));
    });
    const isBatchFirst = node.int("layout", 0) === 1;
    return [isBatchFirst ? g.transpose(states, [2, 0, 1, 3]) : states, h, c];
  };

/** Importers of RNN, GRU and LSTM. */
export const recurrents: Importers = {
  RNN: recurrent({ step: rnnStep, activations: ["Tanh"] }),
  GRU: recurrent({ step: gruStep, activations: ["Sigmoid", "Tanh"] }),
  LSTM: recurrent({
    step: lstmStep,
    activations: ["Sigmoid", "Tanh", "Tanh"],
    cell: 6,
    peepholes: 7,
  }),
};
