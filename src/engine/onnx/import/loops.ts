// Loops with a constant trip count, which the import unrolls, and sequences:
// https://onnx.ai/onnx/operators/onnx__Loop.html (the same in all versions)
// https://onnx.ai/onnx/operators/onnx__Scan.html (opset 9: without sequence lengths; opset 8 cannot be imported)
// https://onnx.ai/onnx/operators/onnx__SequenceConstruct.html and the other sequence operators (opset 11)

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { bool, int64, stack } from "./arithmetic.ts";
import { axisOf, constantNumber, type Importers, type ImportNode } from "./import-node.ts";

/** Maximum iterations of a loop, and maximum parts of a split. */
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
    if (i === MAX_ITERATIONS)
      throw node.unsupported(`more than ${MAX_ITERATIONS} iterations are not supported`);
    const [next, ...values] = node.importSubgraph(body, [
      int64([i], []),
      bool(condition),
      ...carried,
    ]);
    const constant = node.constantOf(next);
    if (constant === null)
      throw node.unsupported(
        "the number of iterations depends on the image, and only a constant number is supported",
      );
    condition = Number(constant.data[0]) !== 0;
    carried = values.slice(0, carried.length);
    scanned.push(values.slice(carried.length));
  }
  const outputs = body.output.slice(1 + carried.length).map((_, i) => {
    if (scanned.length === 0)
      throw node.unsupported(
        "the loop has no iterations, so the shapes of its scan outputs are unknown",
      );
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
      "Scan of opset 8, with lengths per sequence, is not supported; export the model with opset 9 or later",
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
    throw node.unsupported(`${count} iterations are not supported, only up to ${MAX_ITERATIONS}`);
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

/** The values of a sequence input. Throws `UsageError` if the input is not a sequence. */
function sequenceOf(node: ImportNode, i: number): readonly Value[] {
  const values = node.sequenceValues(node.input(i));
  if (values === undefined) throw node.invalid(`input ${i} is not a sequence`);
  return values;
}

/**
 * A constant position in a sequence; negative positions count from the end. A position equal to the
 * length is valid, for insertion.
 */
function positionOf(node: ImportNode, i: number, length: number, fallback: number): number {
  const stated = constantNumber(node, i, fallback);
  const position = stated < 0 ? stated + length : stated;
  if (!(position >= 0 && position <= length))
    throw node.invalid(`position ${stated} is outside a sequence of ${length} values`);
  return position;
}

function splitToSequence(node: ImportNode): Value {
  const x = node.input(0);
  const axis = axisOf(node, node.int("axis", 0), x.shape.length);
  const length = x.shape[axis];
  const stated = node.inputs[1] === undefined ? undefined : node.constantNumbers(1);
  const isUniform = stated === undefined || node.input(1).shape.length === 0;
  const step = stated?.[0] ?? 1;
  if (!(step >= 1) && isUniform)
    throw node.invalid(`the length of the parts is ${step}, but must be at least 1`);
  if (isUniform && length > step * MAX_ITERATIONS)
    throw node.unsupported(
      `splitting an axis of length ${length} into parts of length ${step} gives more than ${MAX_ITERATIONS} parts, which is not supported`,
    );
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
    if (value === undefined)
      throw node.invalid(`the position is outside the sequence, which has ${list.length} values`);
    return value;
  },
  SequenceLength: (node) => int64([sequenceOf(node, 0).length], []),
  SplitToSequence: splitToSequence,
  ConcatFromSequence: (node) => {
    const list = sequenceOf(node, 0);
    if (list.length === 0) throw node.invalid("the sequence to concatenate is empty");
    const isNewAxis = node.int("new_axis", 0) === 1;
    const axis = axisOf(node, node.int("axis", 0), list[0].shape.length + (isNewAxis ? 1 : 0));
    return isNewAxis ? stack(list, axis) : g.concat(list, axis);
  },
};
