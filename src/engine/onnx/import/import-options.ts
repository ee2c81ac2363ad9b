import type { NodeProto } from "onnx-buf";
import type { Value } from "../../graph/value.ts";

/** An imported node, with its inputs and outputs as expressions. */
export interface VisitedNode {
  readonly proto: NodeProto;
  /** In the order of the operator; undefined if left out. */
  readonly inputs: readonly (Value | undefined)[];
  /** In the order of the operator; undefined if the importer does not compute it. */
  readonly outputs: readonly (Value | undefined)[];
  /** Whether a value does not depend on an input of the graph. */
  isConstant(value: Value): boolean;
}

/** Called for every imported node. The nodes of a subgraph or function come before the node that contains them. */
export type OnNode = (node: VisitedNode) => void;

/** How to import a model. */
export interface ImportOptions {
  /** Differentiate step functions such as rounding straight through (Bengio et al. 2013, arXiv:1308.3432). */
  readonly straightThrough?: boolean;
  /**
   * Rewrites a file with a fixed batch for another batch: changes the first length of its reshapes, and
   * repeats the constants that it concatenates to batches. The caller must compare the results with
   * runs at the stated batch.
   */
  readonly batch?: { readonly stated: number; readonly wanted: number };
  /** Channels per block of a file that ONNX Runtime optimised for one kind of CPU; by default inferred from its weights. */
  readonly blockSize?: number;
  /** Bytes of constants that the import may compute; 0 keeps the built-in limits. */
  readonly maxConstants?: number;
  /** Names of the values to import: outputs of the file, or of any node. All outputs by default. */
  readonly wanted?: readonly string[];
  /** Called for each imported node. */
  readonly onNode?: OnNode | undefined;
}
