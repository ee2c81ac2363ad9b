// Names and attributes that a node may refer to: those of its graph, of the graphs around it, and of its function.

import type { AttributeProto, NodeProto } from "onnx-buf";
import { UsageError } from "../../../math/usage-error.ts";
import type { Value } from "../../graph/value.ts";

/** One call of a function, or the graph of the file itself. */
export interface Frame {
  /** Version of each operator set by domain; a function states its own. */
  readonly opsets: ReadonlyMap<string, number>;
  /** The function's attributes by name, the caller's before defaults; null in the file's own graph. */
  readonly attributes: ReadonlyMap<string, AttributeProto> | null;
  /** Inputs of the function that its caller leaves out. */
  readonly absent: ReadonlySet<string>;
}

/** Values by the names that a graph gives them; a subgraph sees those around it, a function does not. */
export interface Scope {
  readonly frame: Frame;
  readonly values: Map<string, Value | undefined>;
  readonly outer: Scope | null;
}

/** The value that a name stands for, in the innermost graph that has the name. */
export function find(scope: Scope, name: string): Value | undefined {
  for (let at: Scope | null = scope; at !== null; at = at.outer) {
    const value = at.values.get(name);
    if (value !== undefined) return value;
  }
  return undefined;
}

/**
 * The attributes of a node by its own names for them. A reference stands for an attribute of the function around the node,
 * through any number of subgraphs, and is left out where the function has neither a value nor a default for it.
 */
export function attributesOf(
  { attribute, opType }: NodeProto,
  { attributes }: Frame,
): Map<string, AttributeProto> {
  const found = new Map<string, AttributeProto>();
  for (const one of attribute) {
    if (one.refAttrName === "") {
      found.set(one.name, one);
      continue;
    }
    if (attributes === null)
      throw new UsageError(
        `attribute ${one.name} of ${opType} refers to attribute ${one.refAttrName} of a function, and stands in none; the file is corrupt`,
      );
    const value = attributes.get(one.refAttrName);
    if (value !== undefined) found.set(one.name, value);
  }
  return found;
}
