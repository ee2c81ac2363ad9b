// Loops whose number of turns is known when a file is read are unrolled; lists of values are known then, too.

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { bool, int64, stack } from "./arithmetic.ts";
import { axisOf, constantNumber, type Importers, type ImportNode } from "./import-node.ts";

/** Turns that a loop may have; one with more does not end, or is no classifier's. */
const MAX_TURNS = 4096;

/** (turns, condition, carried…) ↦ (carried…, what each turn gives…). */
function loop(node: ImportNode): Value[] {
  const body = node.graph("body");
  const most = Math.min(constantNumber(node, 0, MAX_TURNS + 1), MAX_TURNS + 1);
  let going = node.inputs[1] === undefined ? true : node.constant(1)?.data[0] === 1;
  let carried = node.inputs.slice(2).map((_, i) => node.input(i + 2));
  const given: Value[][] = [];
  for (let turn = 0; turn < most && going; turn++) {
    if (turn === MAX_TURNS) throw node.error(`does not end within ${MAX_TURNS} turns`);
    const [condition, ...values] = node.importSubgraph(body, [
      int64([turn], []),
      bool(going),
      ...carried,
    ]);
    const known = node.constantOf(condition);
    if (known === null)
      throw node.error(
        "goes on for as long as the image says; only a known number of turns can be read",
      );
    going = Number(known.data[0]) !== 0;
    carried = values.slice(0, carried.length);
    given.push(values.slice(carried.length));
  }
  const series = body.output.slice(1 + carried.length).map((_, i) => {
    if (given.length === 0)
      throw node.error("has no turns but is to give arrays; nothing is known of them");
    return stack(
      given.map((values) => values[i]),
      0,
    );
  });
  return [...carried, ...series];
}

/** (states…, arrays…) ↦ (states…, arrays…): a turn for each slice of the arrays. */
function scan(node: ImportNode): Value[] {
  if (node.opset < 9)
    throw node.error("is of an old kind with lengths per sequence; export with opset 9 or later");
  const body = node.graph("body");
  const count = node.int("num_scan_inputs", 1);
  let states = node.inputs.slice(0, -count).map((_, i) => node.input(i));
  const arrays = node.inputs.slice(-count).map((_, i) => node.input(states.length + i));
  const axes = arrays.map((x, i) =>
    axisOf(node, node.ints("scan_input_axes")?.[i] ?? 0, x.shape.length),
  );
  const turns = arrays[0].shape[axes[0]];
  if (turns > MAX_TURNS) throw node.error(`has ${turns} turns; up to ${MAX_TURNS} can be read`);
  const given: Value[][] = [];
  for (let turn = 0; turn < turns; turn++) {
    const slices = arrays.map((x, i) => {
      const at = node.ints("scan_input_directions")?.[i] === 1 ? turns - 1 - turn : turn;
      return g.reshape(g.sliceAxis(x, axes[i], at, at + 1), x.shape.toSpliced(axes[i], 1));
    });
    const values = node.importSubgraph(body, [...states, ...slices]);
    states = values.slice(0, states.length);
    given.push(values.slice(states.length));
  }
  const series = (given[0] ?? []).map((first, i) => {
    const axis = axisOf(node, node.ints("scan_output_axes")?.[i] ?? 0, first.shape.length + 1);
    const values = given.map((turn) => turn[i]);
    return stack(node.ints("scan_output_directions")?.[i] === 1 ? values.reverse() : values, axis);
  });
  return [...states, ...series];
}

/** The list that an input is. */
function listOf(node: ImportNode, i: number): readonly Value[] {
  const list = node.sequenceValues(node.input(i));
  if (list === undefined) throw node.error(`input ${i} is no list; the file is corrupt`);
  return list;
}

/** A place in a list, counted from the end where it is negative. */
function placeOf(node: ImportNode, i: number, length: number, fallback: number): number {
  const stated = constantNumber(node, i, fallback);
  const place = stated < 0 ? stated + length : stated;
  if (!(place >= 0 && place <= length)) throw node.error(`place ${stated} of a list of ${length}`);
  return place;
}

function splitToSequence(node: ImportNode): Value {
  const x = node.input(0);
  const axis = axisOf(node, node.int("axis", 0), x.shape.length);
  const length = x.shape[axis];
  const stated = node.inputs[1] === undefined ? undefined : node.constantInts(1);
  const single = stated === undefined || node.input(1).shape.length === 0;
  const step = stated?.[0] ?? 1;
  if (!(step >= 1) && single) throw node.error(`splits into parts of length ${step}`);
  if (single && length > step * MAX_TURNS)
    throw node.error(`splits ${length} into parts of ${step}; up to ${MAX_TURNS} can be read`);
  const lengths = single
    ? Array.from({ length: Math.ceil(length / step) }, (_, i) => Math.min(step, length - i * step))
    : stated;
  let start = 0;
  const parts = lengths.map((n) => {
    node.countNodes();
    start += n;
    return g.sliceAxis(x, axis, start - n, start);
  });
  const squeezed = stated === undefined && node.int("keepdims", 1) === 0;
  return node.sequence(
    squeezed ? parts.map((part) => g.reshape(part, part.shape.toSpliced(axis, 1))) : parts,
  );
}

export const loops: Importers = {
  Loop: loop,
  Scan: scan,
  SequenceConstruct: (node) => node.sequence(node.inputs.map((_, i) => node.input(i))),
  SequenceEmpty: (node) => node.sequence([]),
  SequenceInsert: (node) => {
    const list = listOf(node, 0);
    return node.sequence(
      list.toSpliced(placeOf(node, 2, list.length, list.length), 0, node.input(1)),
    );
  },
  SequenceErase: (node) => {
    const list = listOf(node, 0);
    return node.sequence(list.toSpliced(placeOf(node, 1, list.length, list.length - 1), 1));
  },
  SequenceAt: (node) => {
    const list = listOf(node, 0);
    const value = list[placeOf(node, 1, list.length, 0)];
    if (value === undefined) throw node.error(`has no such element; the list has ${list.length}`);
    return value;
  },
  SequenceLength: (node) => int64([listOf(node, 0).length], []),
  SplitToSequence: splitToSequence,
  ConcatFromSequence: (node) => {
    const list = listOf(node, 0);
    if (list.length === 0) throw node.error("joins an empty list");
    const fresh = node.int("new_axis", 0) === 1;
    const axis = axisOf(node, node.int("axis", 0), list[0].shape.length + (fresh ? 1 : 0));
    return fresh ? stack(list, axis) : g.concat(list, axis);
  },
};
