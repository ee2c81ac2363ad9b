import type { DType, NdArray, Shape } from "../../math/tensor.ts";
import type { Value } from "../graph/value.ts";

/** Arrays by name. */
export type Arrays = Readonly<Record<string, NdArray>>;

/** The devices that `nodeRuntime` knows. */
export const devices = ["cpu", "webgpu", "cuda"] as const;

/** Upper bound on the threads of a runtime: the system kills a process that asks for thousands. */
export const MAX_THREADS = 512;

/** An array in device memory. Its receiver must release it. */
export interface DeviceArray {
  readonly dtype: DType;
  readonly shape: Shape;
  /** The engine's own tensor object. */
  readonly tensor: unknown;
  release(): void;
}

/** The inputs of a program by name, on the host or on the device. */
export type Feeds = Readonly<Record<string, NdArray | DeviceArray>>;

/** A compiled graph. The runtime keeps its memory until `release`. */
export interface Program {
  /**
   * Takes one array per input, of that input's dtype and shape, and returns one per output. The program may overwrite an
   * array in `into` with the output of the same name. Such an array has the output's dtype and shape, is not among
   * `feeds`, and has no other reader.
   */
  run(feeds: Feeds, into?: Arrays): Promise<Record<string, NdArray>>;
  release(): Promise<void>;
}

/** A compiled graph that leaves some of its outputs on the device. */
export interface DeviceProgram {
  run(feeds: Feeds): Promise<{
    readonly hostArrays: Record<string, NdArray>;
    readonly deviceArrays: Record<string, DeviceArray>;
  }>;
  release(): Promise<void>;
}

/** Keeps arrays on the device between runs. */
export interface DeviceMemory {
  /** Compiles `outputs`; those named in `onDevice` stay on the device after a run. */
  compile(
    outputs: Readonly<Record<string, Value>>,
    onDevice: readonly string[],
  ): Promise<DeviceProgram>;
  /** Copies arrays to the host. The device arrays stay valid. */
  read(arrays: Readonly<Record<string, DeviceArray>>): Promise<Record<string, NdArray>>;
}

/** Where a program runs. Stored with results: runs give the same bits only on the same target. */
export interface RuntimeTarget {
  /** `cpu`, `webgpu`, `cuda`; `wasm` for the CPU in a page. */
  readonly device: string;
  /** Threads within one operator. */
  readonly threads: number;
  /** The lowering that rewrites graphs: `plain`, `blocked-16`, `blocked-8`, `webgpu`. */
  readonly lowering: string;
  /** Name and version of the engine: `onnxruntime-node 1.30.0`. */
  readonly engine: string;
}

/** The options of `Runtime.compile`. */
export interface CompileOptions {
  /**
   * Inputs that rarely change, such as weights. The program caches every value that depends on them alone, and recomputes
   * these values when it is fed a different array object.
   */
  readonly fixed?: readonly string[];
}

/** Compiles and runs graphs. `nodeRuntime` and `webRuntime` make one. */
export interface Runtime {
  readonly target: RuntimeTarget;
  /** Compiles the graph that `outputs` reach; its `Input` nodes are the inputs of the program. */
  compile(outputs: Readonly<Record<string, Value>>, options?: CompileOptions): Promise<Program>;
  /** Undefined if every array is copied to the host after every run. */
  readonly deviceMemory?: DeviceMemory;
}
