import type { DType, NdArray, Shape } from "../../math/tensor.ts";
import type { Value } from "../graph/value.ts";

/** Arrays by name. */
export type Arrays = Readonly<Record<string, NdArray>>;

/** Where graphs may run. */
export const devices = ["cpu", "webgpu", "cuda"] as const;

/** Threads that a runtime takes at most; a process that asks for thousands is ended by the system. */
export const MAX_THREADS = 512;

/** An array that a run has left on the device; whoever got it releases it. */
export interface DeviceArray {
  readonly dtype: DType;
  readonly shape: Shape;
  /** The engine's own tensor. */
  readonly held: unknown;
  release(): void;
}

/** What a program is fed, by name. */
export type Feeds = Readonly<Record<string, NdArray | DeviceArray>>;

/** A compiled graph. Its memory belongs to the runtime until `release`. */
export interface Program {
  /**
   * One array per input of the graph, of its dtype and shape → one per output. An output may be written over the array of
   * its name in `into`, which is of its dtype and shape, no input, and which nobody else reads any more.
   */
  run(feeds: Feeds, into?: Arrays): Promise<Record<string, NdArray>>;
  release(): Promise<void>;
}

/** A compiled graph some of whose outputs stay on the device. */
export interface DeviceProgram {
  run(feeds: Feeds): Promise<{
    readonly arrays: Record<string, NdArray>;
    readonly held: Record<string, DeviceArray>;
  }>;
  release(): Promise<void>;
}

/** What a runtime offers whose arrays can stay on the device between runs. */
export interface DeviceMemory {
  /** As a runtime's `compile`; the outputs named in `held` stay on the device. */
  compile(
    outputs: Readonly<Record<string, Value>>,
    held: readonly string[],
  ): Promise<DeviceProgram>;
  /** Copies to the host; the arrays stay. */
  read(arrays: Readonly<Record<string, DeviceArray>>): Promise<Record<string, NdArray>>;
}

/** What a program was compiled for; stored with results, since "same bits" holds within one target. */
export interface RuntimeTarget {
  /** `cpu`, `webgpu`, `cuda`; `wasm` for the CPU in a page. */
  readonly device: string;
  /** Threads within an operator. */
  readonly threads: number;
  /** The lowering that rewrites graphs: `plain`, `blocked-16`, `blocked-8`, `webgpu`. */
  readonly lowering: string;
  /** Name and version of the engine: `onnxruntime-node 1.30.0`. */
  readonly engine: string;
}

/** Where graphs run. `node.ts` and `web.ts` each make one. */
export interface Runtime {
  readonly target: RuntimeTarget;
  /** Outputs by name; the inputs are the `Input` nodes that they reach. */
  compile(
    outputs: Readonly<Record<string, Value>>,
    options?: {
      /** Inputs that stay the same arrays for many runs; what depends on them alone is computed when one is another. */
      readonly fixed?: readonly string[];
    },
  ): Promise<Program>;
  /** Absent where every array crosses the host in every run. */
  readonly holding?: DeviceMemory;
}
