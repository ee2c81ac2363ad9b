import type { Value } from "../graph/value.ts";
import type { NdArray } from "../math/tensor.ts";

/** Arrays by name. */
export type Arrays = Readonly<Record<string, NdArray>>;

/** A compiled graph. Its memory belongs to the runtime until `release`. */
export interface Program {
  /** One array per input of the graph, of its dtype and shape → one per output. */
  run(feeds: Arrays): Promise<Record<string, NdArray>>;
  release(): Promise<void>;
}

/** What a program was compiled for; stored with results, since "same bits" holds within one target. */
export interface Target {
  /** `cpu`, `webgpu`, `cuda`. */
  readonly device: string;
  /** Threads within an operator. */
  readonly threads: number;
  /** The lowering that rewrites graphs: `plain`, `blocked-16`, `blocked-8`. */
  readonly lowering: string;
  /** Name and version of the engine: `onnxruntime-node 1.30.0`. */
  readonly engine: string;
}

/** Where graphs run. `node.ts` and `web.ts` each make one. */
export interface Runtime {
  readonly target: Target;
  /** Outputs by name; the inputs are the `Input` nodes that they reach. */
  compile(
    outputs: Readonly<Record<string, Value>>,
    options?: {
      /** Inputs that stay the same arrays for many runs; what depends on them alone is computed when one is another. */
      readonly fixed?: readonly string[];
    },
  ): Promise<Program>;
}
