import { elementCount } from "../../math/tensor.ts";
import { topological, type Value } from "../graph/value.ts";
import type { Interval } from "./interval.ts";
import { intervalOfNode } from "./interval-rules.ts";

/** The intervals of a graph's nodes. */
export type Intervals = Map<Value, Interval>;

/**
 * Adds the interval of every node that `outputs` reach to `intervals`, which hold those of the inputs and of any nodes
 * that are known already.
 */
export function propagate(outputs: readonly Value[], intervals: Intervals): Intervals {
  for (const node of topological<Value>(outputs)) {
    if (intervals.has(node)) continue;
    const inputs = node.inputs.map((input) => intervals.get(input) as Interval);
    const interval = intervalOfNode(node, inputs);
    if (interval.lower.length !== elementCount(node.shape))
      throw new Error(
        `the interval of a ${node.op} of shape [${node.shape}] has ${interval.lower.length} elements`,
      );
    intervals.set(node, interval);
  }
  return intervals;
}
