import type { NodeProto } from "onnx-buf";
import type { Value } from "../../graph/value.ts";

/** A node that was imported, with its inputs and outputs as expressions. */
export interface VisitedNode {
  readonly proto: NodeProto;
  /** In the order of the operator; undefined if left out. */
  readonly inputs: readonly (Value | undefined)[];
  /** In the order of the operator; undefined if not made. */
  readonly outputs: readonly (Value | undefined)[];
  /** Whether a value depends on no input of the graph. */
  isConstant(value: Value): boolean;
}

/** Called for every node that is imported, those of subgraphs and functions first. */
export type OnNode = (node: VisitedNode) => void;

/** How to import a model. */
export interface ImportOptions {
  /** Differentiate step functions such as rounding straight through (Bengio et al. 2013, arXiv:1308.3432). */
  readonly straightThrough?: boolean;
  /**
   * Rewrites a file with a fixed batch for another one: the first length in its reshapes, and the
   * constants that it concatenates to batches. The caller must compare the results with runs at the
   * stated batch.
   */
  readonly batch?: { readonly stated: number; readonly wanted: number };
  /** Channels per block of a file that was optimised for one kind of CPU; found from its weights by default. */
  readonly blockSize?: number;
  /** Bytes of constants that may be computed during the import; 0 leaves the built-in limits. */
  readonly maxConstants?: number;
  /** Names of the values to import: outputs of the file, or of any node. All outputs by default. */
  readonly wanted?: readonly string[];
  /** Watches the import. */
  readonly onNode?: OnNode | undefined;
}
