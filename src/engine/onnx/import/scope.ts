// How names resolve: to values of a graph or of the graphs around it, and to attributes of the
// function around a node.

import type { AttributeProto, NodeProto } from "onnx-buf";
import { UsageError } from "../../../math/usage-error.ts";
import type { Value } from "../../graph/value.ts";

/** One call of a function, or the main graph of the file. */
export interface Frame {
  /** Version of each operator set by domain; a function states its own. */
  readonly opsets: ReadonlyMap<string, number>;
  /** Attributes of the function by name: the caller's, else the defaults. Null in the main graph. */
  readonly attributes: ReadonlyMap<string, AttributeProto> | null;
  /** Inputs of the function that its caller leaves out. */
  readonly absent: ReadonlySet<string>;
}

/** Values by their names in one graph. A subgraph can read the names of its outer scope; a function cannot. */
export interface Scope {
  readonly frame: Frame;
  readonly values: Map<string, Value | undefined>;
  readonly outer: Scope | null;
}

/** The value of this name in the innermost graph that has one. */
export function find(scope: Scope, name: string): Value | undefined {
  for (let at: Scope | null = scope; at !== null; at = at.outer) {
    const value = at.values.get(name);
    if (value !== undefined) return value;
  }
  return undefined;
}

/**
 * The attributes of a node by name. A reference resolves to the attribute of the function around
 * the node, through any number of subgraphs. An attribute without a value in the function is left
 * out. Throws `UsageError` for a reference outside a function.
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
        { code: "bad-file" },
      );
    const value = attributes.get(one.refAttrName);
    if (value !== undefined) found.set(one.name, value);
  }
  return found;
}
