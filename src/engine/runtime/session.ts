// The interface to onnxruntime-node and onnxruntime-web, and programs made of their sessions.

import { InternalError } from "../../math/internal-error.ts";
import { type DType, type NdArray, zeros } from "../../math/tensor.ts";
import type { Lowered } from "../graph/lowered.ts";
import { writeOnnx } from "../onnx/export/write-onnx.ts";
import type { DeviceArray, Feeds, Program } from "./runtime.ts";

/** A session of either package, over its tensor type `T`. */
export interface Session<T> {
  readonly inputNames: readonly string[];
  run(feeds: Record<string, T>): Promise<Readonly<Record<string, unknown>>>;
  /** Runs and writes the outputs into the given tensors. Undefined if the engine always allocates its outputs. */
  write?(feeds: Record<string, T>, outputs: Record<string, T>): Promise<void>;
  release(): Promise<void>;
}

/** A session that can write into existing tensors. */
type WritingSession<T> = Session<T> & Required<Pick<Session<T>, "write">>;

const canWrite = <T>(session: Session<T>): session is WritingSession<T> =>
  session.write !== undefined;

/** An output tensor of either package. */
export interface OutputTensor {
  readonly type: DType;
  readonly dims: readonly number[];
  readonly location: string;
  readonly data: Float32Array;
  dispose(): void;
}

/** How a session is opened. */
export interface OpenOptions {
  /** Outputs that stay on the device. */
  readonly onDevice?: readonly string[];
  /** Whether the session keeps its memory from run to run; true by default. */
  readonly arena?: boolean;
}

/** An ONNX Runtime package: opens the bytes of a file, and makes its tensors (type `T`) of arrays. */
export interface Engine<T> {
  open(bytes: Uint8Array, options?: OpenOptions): Promise<Session<T>>;
  toTensor(array: NdArray): T;
  /** Name of an extra first output, an empty sequence, without which sessions of this engine cannot `write`. */
  readonly sequence?: string;
}

/** Lowered outputs by name. */
export type LoweredGraph = Readonly<Record<string, Lowered>>;

/**
 * Prefix of every output name in a file. An updated parameter is an output with the name of an input, and a file may not
 * use a name twice.
 */
export const OUTPUT = "output:";

/** The graph as a file, its output names prefixed with `OUTPUT`. */
export const encodeGraph = (graph: LoweredGraph, sequence?: string): Uint8Array =>
  writeOnnx(
    Object.fromEntries(Object.entries(graph).map(([name, node]) => [OUTPUT + name, node])),
    { sequence },
  );

/** Opens a lowered graph as a program. */
export async function openGraph<T>(
  engine: Engine<T>,
  graph: LoweredGraph,
  options: OpenOptions = {},
): Promise<Program> {
  const session = await engine.open(encodeGraph(graph, engine.sequence), options);
  return canWrite(session)
    ? writingProgram(engine, session, graph)
    : sessionProgram(engine, session, OUTPUT);
}

/** Converts the inputs of a session to tensors. */
function tensorsOf<T>(engine: Engine<T>, { inputNames }: Session<T>, feeds: Feeds) {
  const tensors: Record<string, T> = {};
  for (const name of inputNames) {
    const array: NdArray | DeviceArray | undefined = feeds[name];
    if (array === undefined) {
      const missing = inputNames.filter((one) => feeds[one] === undefined);
      throw new InternalError(`no array for input ${missing.join(", ")}`);
    }
    tensors[name] = "tensor" in array ? (array.tensor as T) : engine.toTensor(array);
  }
  return tensors;
}

/** Runs a session once. Returns name and tensor of each output, `prefix` dropped from the names. */
export async function runSession<T>(
  engine: Engine<T>,
  session: Session<T>,
  feeds: Feeds,
  prefix: string,
): Promise<(readonly [name: string, tensor: OutputTensor])[]> {
  const outputs = await session.run(tensorsOf(engine, session, feeds));
  return Object.entries(outputs).map(
    ([name, tensor]) => [name.slice(prefix.length), tensor as OutputTensor] as const,
  );
}

/** An output tensor on the host as an array over the same memory. */
export const hostArray = ({ type, dims, data }: OutputTensor): NdArray =>
  ({ dtype: type, shape: dims, data }) as NdArray;

/** A program over an open session that allocates its outputs. `prefix` is dropped from the names of outputs. */
export const sessionProgram = <T>(engine: Engine<T>, session: Session<T>, prefix = ""): Program => {
  // Small networks are asked often enough that new strings for the same names show.
  const names = new Map<string, string>();
  return {
    async run(feeds) {
      const outputs = await session.run(tensorsOf(engine, session, feeds));
      const arrays: Record<string, NdArray> = {};
      for (const full in outputs) {
        const name = names.get(full) ?? full.slice(prefix.length);
        names.set(full, name);
        arrays[name] = hostArray(outputs[full] as OutputTensor);
      }
      return arrays;
    },
    release: () => session.release(),
  };
};

/** A program over an open session of `graph` that writes its outputs into arrays of ours. */
const writingProgram = <T>(
  engine: Engine<T>,
  session: WritingSession<T>,
  graph: LoweredGraph,
): Program => ({
  async run(feeds, into = {}) {
    const outputs: Record<string, NdArray> = {};
    const tensors: Record<string, T> = {};
    for (const [name, { dtype, shape }] of Object.entries(graph)) {
      // A new object over reused memory: caches compare arrays by object identity.
      outputs[name] = name in into ? { ...into[name] } : zeros(dtype, shape);
      tensors[OUTPUT + name] = engine.toTensor(outputs[name]);
    }
    await session.write(tensorsOf(engine, session, feeds), tensors);
    return outputs;
  },
  release: () => session.release(),
});
