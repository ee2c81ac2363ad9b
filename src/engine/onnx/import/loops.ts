// Loops with a constant trip count, which are unrolled, and sequences of values:
// https://onnx.ai/onnx/operators/onnx__Loop.html (all versions alike)
// https://onnx.ai/onnx/operators/onnx__Scan.html (opset 9: without sequence lengths; opset 8 cannot be imported)
// https://onnx.ai/onnx/operators/onnx__SequenceConstruct.html and the other sequence operators (opset 11)

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { bool, int64, stack } from "./arithmetic.ts";
import { axisOf, constantNumber, type Importers, type ImportNode } from "./import-node.ts";

/** Iterations of a loop. */
const MAX_ITERATIONS = 4096;

/**
 * (trip count?, condition?, carried…) ↦ (carried…, scan outputs…), each scan output stacked over
 * the iterations.
 */
function loop(node: ImportNode): Value[] {
  const body = node.graph("body");
  const tripCount = Math.min(constantNumber(node, 0, MAX_ITERATIONS + 1), MAX_ITERATIONS + 1);
  let condition = node.inputs[1] === undefined || node.constant(1)?.data[0] === 1;
  let carried = node.inputs.slice(2).map((_, i) => node.input(i + 2));
  const scanned: Value[][] = [];
  for (let i = 0; i < tripCount && condition; i++) {
    if (i === MAX_ITERATIONS) throw node.error(`does not end within ${MAX_ITERATIONS} iterations`);
    const [next, ...values] = node.importSubgraph(body, [
      int64([i], []),
      bool(condition),
      ...carried,
    ]);
    const constant = node.constantOf(next);
    if (constant === null)
      throw node.error(
        "has a number of iterations that depends on the image; only a constant number can be read",
      );
    condition = Number(constant.data[0]) !== 0;
    carried = values.slice(0, carried.length);
    scanned.push(values.slice(carried.length));
  }
  const outputs = body.output.slice(1 + carried.length).map((_, i) => {
    if (scanned.length === 0)
      throw node.error("has no iterations, so the shapes of its scan outputs are unknown");
    return stack(
      scanned.map((values) => values[i]),
      0,
    );
  });
  return carried.concat(outputs);
}

/** (states…, scan inputs…) ↦ (states…, scan outputs…), with one iteration per slice of the scan inputs. */
function scan(node: ImportNode): Value[] {
  if (node.opset < 9)
    throw node.error(
      "is a Scan of opset 8, with lengths per sequence; export with opset 9 or later",
    );
  const body = node.graph("body");
  const inputs = node.int("num_scan_inputs", 1);
  let states = node.inputs.slice(0, -inputs).map((_, i) => node.input(i));
  const arrays = node.inputs.slice(-inputs).map((_, i) => node.input(states.length + i));
  const axes = arrays.map((x, i) =>
    axisOf(node, node.ints("scan_input_axes")?.[i] ?? 0, x.shape.length),
  );
  const count = arrays[0].shape[axes[0]];
  if (count > MAX_ITERATIONS)
    throw node.error(`has ${count} iterations; up to ${MAX_ITERATIONS} can be read`);
  const scanned: Value[][] = [];
  for (let i = 0; i < count; i++) {
    const slices = arrays.map((x, input) => {
      const isReverse = node.ints("scan_input_directions")?.[input] === 1;
      const index = isReverse ? count - 1 - i : i;
      const axis = axes[input];
      return g.reshape(g.sliceAxis(x, axis, index, index + 1), x.shape.toSpliced(axis, 1));
    });
    const values = node.importSubgraph(body, [...states, ...slices]);
    states = values.slice(0, states.length);
    scanned.push(values.slice(states.length));
  }
  const outputs = (scanned[0] ?? []).map((first, i) => {
    const axis = axisOf(node, node.ints("scan_output_axes")?.[i] ?? 0, first.shape.length + 1);
    const values = scanned.map((one) => one[i]);
    return stack(node.ints("scan_output_directions")?.[i] === 1 ? values.reverse() : values, axis);
  });
  return states.concat(outputs);
}

/** The values of a sequence input; throws `UsageError` if the input is no sequence. */
function sequenceOf(node: ImportNode, i: number): readonly Value[] {
  const values = node.sequenceValues(node.input(i));
  if (values === undefined) throw node.error(`input ${i} is not a list; the file is corrupt`);
  return values;
}

/**
 * A constant position in a sequence, counted from the end if negative. The length itself is
 * allowed, for insertion.
 */
function positionOf(node: ImportNode, i: number, length: number, fallback: number): number {
  const stated = constantNumber(node, i, fallback);
  const position = stated < 0 ? stated + length : stated;
  if (!(position >= 0 && position <= length))
    throw node.error(`position ${stated} of a list of ${length}`);
  return position;
}

function splitToSequence(node: ImportNode): Value {
  const x = node.input(0);
  const axis = axisOf(node, node.int("axis", 0), x.shape.length);
  const length = x.shape[axis];
  const stated = node.inputs[1] === undefined ? undefined : node.constantNumbers(1);
  const isUniform = stated === undefined || node.input(1).shape.length === 0;
  const step = stated?.[0] ?? 1;
  if (!(step >= 1) && isUniform) throw node.error(`splits into parts of length ${step}`);
  if (isUniform && length > step * MAX_ITERATIONS)
    throw node.error(`splits ${length} into parts of ${step}; up to ${MAX_ITERATIONS} can be read`);
  const lengths = isUniform
    ? Array.from({ length: Math.ceil(length / step) }, (_, i) => Math.min(step, length - i * step))
    : stated;
  let start = 0;
  const parts = lengths.map((n) => {
    node.countNodes();
    start += n;
    return g.sliceAxis(x, axis, start - n, start);
  });
  const dropsAxis = stated === undefined && node.int("keepdims", 1) === 0;
  return node.sequence(
    dropsAxis ? parts.map((part) => g.reshape(part, part.shape.toSpliced(axis, 1))) : parts,
  );
}

/** Importers of loops and of operators on sequences. */
export const loops: Importers = {
  Loop: loop,
  Scan: scan,
  SequenceConstruct: (node) => node.sequence(node.inputs.map((_, i) => node.input(i))),
  SequenceEmpty: (node) => node.sequence([]),
  SequenceInsert: (node) => {
    const list = sequenceOf(node, 0);
    return node.sequence(
      list.toSpliced(positionOf(node, 2, list.length, list.length), 0, node.input(1)),
    );
  },
  SequenceErase: (node) => {
    const list = sequenceOf(node, 0);
    return node.sequence(list.toSpliced(positionOf(node, 1, list.length, list.length - 1), 1));
  },
  SequenceAt: (node) => {
    const list = sequenceOf(node, 0);
    const value = list[positionOf(node, 1, list.length, 0)];
    if (value === undefined) throw node.error(`has no such element; the list has ${list.length}`);
    return value;
  },
  SequenceLength: (node) => int64([sequenceOf(node, 0).length], []),
  SplitToSequence: splitToSequence,
  ConcatFromSequence: (node) => {
    const list = sequenceOf(node, 0);
    if (list.length === 0) throw node.error("concatenates an empty list");
    const isNewAxis = node.int("new_axis", 0) === 1;
    const axis = axisOf(node, node.int("axis", 0), list[0].shape.length + (isNewAxis ? 1 : 0));
    return isNewAxis ? stack(list, axis) : g.concat(list, axis);
  },
};
