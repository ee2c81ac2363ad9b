// Resolves names of values in a graph and its outer graphs, and references to attributes of a function.

import type { AttributeProto, NodeProto } from "onnx-buf";
import { UsageError } from "../../../math/usage-error.ts";
import type { Value } from "../../graph/value.ts";

/** One call of a function, or the main graph of the file. */
export interface Frame {
  /** Version of each operator set by domain. A function can import other versions than the file. */
  readonly opsets: ReadonlyMap<string, number>;
  /** Attributes of the function by name: from the caller, else the defaults. Null in the main graph. */
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

/** The value with this name in the innermost graph that defines it. */
export function find(scope: Scope, name: string): Value | undefined {
  for (let at: Scope | null = scope; at !== null; at = at.outer) {
    const value = at.values.get(name);
    if (value !== undefined) return value;
  }
  return undefined;
}

/**
 * The attributes of a node by name. A reference (`ref_attr_name`) resolves to the attribute of the
 * enclosing function, through any number of subgraphs. A reference without a value is left out.
 * Throws `UsageError` for a reference outside a function.
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
        `attribute ${one.name} of ${opType} refers to attribute ${one.refAttrName} of a function, but is not in a function; the model is invalid, so export it again`,
        { code: "bad-file" },
      );
    const value = attributes.get(one.refAttrName);
    if (value !== undefined) found.set(one.name, value);
  }
  return found;
}
