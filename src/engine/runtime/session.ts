import { type DType, type NdArray, zeros } from "../../math/tensor.ts";
import { isLowered, type Lowered } from "../graph/lowered.ts";
import { input } from "../graph/ops.ts";
import { topological } from "../graph/value.ts";
import { writeOnnx } from "../onnx/export/write.ts";
import type { Lowering } from "./lowerings.ts";
import { better, fedConstants, parts, readersOf, split } from "./split-graph.ts";
import type { Arrays, DeviceArray, DeviceMemory, Feeds, Program, Runtime } from "./runtime.ts";

/** What onnxruntime-node and onnxruntime-web have in common, as far as we use it. */
export interface Session<T> {
  readonly inputNames: readonly string[];
  run(feeds: Record<string, T>): Promise<Readonly<Record<string, unknown>>>;
  /** Runs, with the outputs written into tensors by name; absent where the engine has its own way with all outputs. */
  write?(feeds: Record<string, T>, outputs: Record<string, T>): Promise<void>;
  release(): Promise<void>;
}

/** A tensor of either package. */
interface Result {
  readonly type: DType;
  readonly dims: readonly number[];
  readonly location: string;
  readonly data: Float32Array;
  dispose(): void;
}

/** How a session is opened. */
export interface OpenOptions {
  /** Outputs that stay on the device. */
  readonly held?: readonly string[];
  /** Whether memory stays with the session from run to run, as it does by default. */
  readonly arena?: boolean;
}

/** One of the two packages: how to open a file's bytes, and its tensors. */
export interface Engine<T> {
  open(bytes: Uint8Array, options?: OpenOptions): Promise<Session<T>>;
  toTensor(array: NdArray): T;
  /** The name of an output that each file must have before the others, an empty sequence, for its sessions to `write`. */
  readonly sequence?: string;
}

/** Stands before the names of a compiled graph's outputs: an updated parameter is an output with the name of an input, which a file may not hold twice. */
const OUTPUT = "output:";

const bytesOf = (graph: Readonly<Record<string, Lowered>>, sequence?: string) =>
  writeOnnx(
    Object.fromEntries(Object.entries(graph).map(([name, v]) => [OUTPUT + name, v])),
    sequence === undefined ? {} : { sequence },
  );

/** Compiles graphs for an engine. */
export const compiler =
  <T>(engine: Engine<T>, { lower, prepares }: Lowering): Runtime["compile"] =>
  async (outputs, { fixed = [] } = {}) => {
    const isFixed = (name: string) => fixed.includes(name);
    const graph = lower(outputs);
    if (!prepares) return open(engine, graph);
    const { prepared, main } = split(graph, isFixed);
    if (Object.keys(prepared).length === 0) return open(engine, main({}));

    const pieces = parts(prepared, PART).map(fedConstants);
    const inputs = inputNames(prepared);
    if (inputs.length > 0) {
      const preparing = await openAll(engine, pieces);
      return onceFor(inputs, preparing, await open(engine, main({})));
    }
    const arrays: Record<string, NdArray> = {};
    for (const { graph, fed } of pieces) {
      const preparing = await open(engine, graph, { arena: false });
      Object.assign(arrays, await preparing.run(fed));
      await preparing.release();
    }
    const readers = readersOf(graph);
    const constants: Record<string, Lowered> = {};
    const fed: Record<string, NdArray> = {};
    for (const [name, node] of Object.entries(prepared)) {
      const { dtype, shape } = node;
      const array = arrays[name];
      if (better(readers(node), node))
        constants[name] = { op: "Constant", inputs: [], attrs: { array }, dtype, shape };
      else fed[name] = array;
    }
    const running = await open(engine, main(constants));
    return { ...running, run: (feeds, into) => running.run({ ...feeds, ...fed }, into) };
  };

type Graph = Readonly<Record<string, Lowered>>;

async function open<T>(
  engine: Engine<T>,
  graph: Graph,
  options: OpenOptions = {},
): Promise<Program> {
  const session = await engine.open(bytesOf(graph, engine.sequence), options);
  const { write } = session;
  return write === undefined
    ? program(engine, session, OUTPUT.length)
    : writing(engine, { ...session, write }, graph);
}

/** Bytes that are prepared at a time. */
const PART = 2 ** 26;

/** Programs that run one after the other, each fed some arrays that never change, as one program. */
async function openAll<T>(
  engine: Engine<T>,
  pieces: readonly { readonly graph: Graph; readonly fed: Arrays }[],
): Promise<Program> {
  const opened: Program[] = [];
  for (const { graph } of pieces) opened.push(await open(engine, graph, { arena: false }));
  return {
    async run(feeds, into) {
      const arrays: Record<string, NdArray> = {};
      for (const [i, one] of opened.entries())
        Object.assign(arrays, await one.run({ ...feeds, ...pieces[i].fed }, into));
      return arrays;
    },
    release: async () => void (await Promise.all(opened.map((one) => one.release()))),
  };
}

/** The names of the inputs that a graph reaches. */
const inputNames = (graph: Graph): string[] =>
  topological<Lowered>(Object.values(graph)).flatMap((node) =>
    isLowered(node, "Input") ? [node.attrs.name] : [],
  );

/**
 * Runs `preparing` again only where one of its inputs, which have these names, is another array than last time. What it
 * prepares is for `running` alone, and is written over what it prepared before.
 */
function onceFor(inputs: readonly string[], preparing: Program, running: Program): Program {
  let fixed: readonly Feeds[string][] | null = null;
  let arrays: Arrays = {};
  return {
    async run(feeds, into) {
      const now = inputs.map((name) => feeds[name]);
      if (fixed === null || now.some((array, i) => array !== fixed?.[i])) {
        fixed = null;
        arrays = await preparing.run(feeds, arrays);
        fixed = now;
      }
      return running.run({ ...feeds, ...arrays }, into);
    },
    async release() {
      [fixed, arrays] = [null, {}];
      await preparing.release();
      await running.release();
    },
  };
}

/** The inputs of a session as its engine takes them. */
function tensorsOf<T>(engine: Engine<T>, { inputNames }: Session<T>, feeds: Feeds) {
  const missing = inputNames.filter((name) => feeds[name] === undefined);
  if (missing.length > 0) throw new Error(`internal: no array for input ${missing.join(", ")}`);
  const tensorOf = (array: NdArray | DeviceArray) =>
    "held" in array ? (array.held as T) : engine.toTensor(array);
  return Object.fromEntries(inputNames.map((name) => [name, tensorOf(feeds[name])]));
}

/** Results by name, which loses its first `skip` characters. */
async function results<T>(engine: Engine<T>, session: Session<T>, skip: number, feeds: Feeds) {
  const found = await session.run(tensorsOf(engine, session, feeds));
  return Object.entries(found).map(
    ([name, result]) => [name.slice(skip), result as Result] as const,
  );
}

const onHost = ({ type, dims, data }: Result) => ({ dtype: type, shape: dims, data }) as NdArray;

/** An open session as a program; the first `skip` characters of an output's name are dropped. */
export const program = <T>(engine: Engine<T>, session: Session<T>, skip = 0): Program => ({
  async run(feeds) {
    const found = await results(engine, session, skip, feeds);
    return Object.fromEntries(found.map(([name, result]) => [name, onHost(result)]));
  },
  release: () => session.release(),
});

/** An open session of this graph as a program that writes its outputs into arrays of ours. */
const writing = <T>(engine: Engine<T>, session: Required<Session<T>>, graph: Graph): Program => ({
  async run(feeds, into = {}) {
    const outputs: Record<string, NdArray> = {};
    const tensors: Record<string, T> = {};
    for (const [name, { dtype, shape }] of Object.entries(graph)) {
      // A new object for old memory, since another array is known by its object.
      outputs[name] = name in into ? { ...into[name] } : zeros(dtype, shape);
      tensors[OUTPUT + name] = engine.toTensor(outputs[name]);
    }
    await session.write(tensorsOf(engine, session, feeds), tensors);
    return outputs;
  },
  release: () => session.release(),
});

/** Arrays that stay on the device, for an engine that can leave them there. */
export function holding<T>(engine: Engine<T>, lowering: Lowering): DeviceMemory {
  const compile = compiler(engine, lowering);
  return {
    async compile(outputs, held) {
      const names = held.map((name) => OUTPUT + name);
      const session = await engine.open(bytesOf(lowering.lower(outputs)), { held: names });
      return {
        async run(feeds) {
          const found = await results(engine, session, OUTPUT.length, feeds);
          const arrays: Record<string, NdArray> = {};
          const left: Record<string, DeviceArray> = {};
          for (const [name, result] of found)
            if (result.location === "gpu-buffer")
              left[name] = {
                dtype: result.type,
                shape: result.dims,
                held: result,
                release: () => result.dispose(),
              };
            else arrays[name] = onHost(result);
          return { arrays, held: left };
        },
        release: () => session.release(),
      };
    },
    // A program of nothing but copies: the tensors' own way back ends the process in onnxruntime-node 1.30.
    async read(arrays) {
      const entries = Object.entries(arrays);
      if (entries.length === 0) return {};
      const copies = await compile(
        Object.fromEntries(
          entries.map(([name, { shape, dtype }]) => [name, input(name, shape, dtype)]),
        ),
      );
      try {
        return await copies.run(arrays);
      } finally {
        await copies.release();
      }
    },
  };
}
