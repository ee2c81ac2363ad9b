import type { NdArray } from "../../math/tensor.ts";
import { isLowered, type Lowered } from "../graph/lowered.ts";
import { topological } from "../graph/value.ts";
import type { Lowering } from "./lowerings.ts";
import { computationKey, PreparedArrays, type UsedArrays } from "./prepared-arrays.ts";
import type { Arrays, Feeds, Program, Runtime } from "./runtime.ts";
import { type Engine, type LoweredGraph, openGraph } from "./session.ts";
import {
  constantsAsInputs,
  partition,
  prefersConstant,
  readersOf,
  type SplitGraph,
  splitGraph,
  withoutReshape,
} from "./split-graph.ts";

/** Size in bytes of the outputs that one preparing program computes. */
const PART_BYTES = 2 ** 26;

/**
 * The `compile` of a runtime: lowers graphs and opens them with `engine`. Its programs share the arrays that they prepare
 * from constants.
 */
export function compiler<T>(
  engine: Engine<T>,
  { lower, prepares }: Lowering,
  shared = new PreparedArrays(),
): Runtime["compile"] {
  return async (outputs, { fixed = [] } = {}) => {
    const graph = lower(outputs);
    if (!prepares) return openGraph(engine, graph);
    const split = splitGraph(graph, (name) => fixed.includes(name));
    if (Object.keys(split.prepared).length === 0) return openGraph(engine, split.main({}));
    const inputs = inputNames(split.prepared);
    if (inputs.length > 0) return withFixedInputs(engine, split, inputs);
    const used = shared.use();
    try {
      return await withConstants(engine, split, graph, used);
    } catch (error) {
      used.release();
      throw error;
    }
  };
}

/** The names of the inputs that a graph reaches. */
const inputNames = (graph: LoweredGraph): string[] =>
  topological<Lowered>(Object.values(graph)).flatMap((node) =>
    isLowered(node, "Input") ? [node.attrs.name] : [],
  );

/** The parts of a prepared graph, each with its large constants as fed arrays. */
const preparedParts = ({ prepared }: SplitGraph) =>
  partition(prepared, PART_BYTES).map(constantsAsInputs);

/** A program whose prepared part depends on `inputs` and runs again whenever one of these arrays is replaced. */
async function withFixedInputs<T>(
  engine: Engine<T>,
  split: SplitGraph,
  inputs: readonly string[],
): Promise<Program> {
  const preparing = await openSequence(engine, preparedParts(split));
  return new CachingProgram(inputs, preparing, await openGraph(engine, split.main({})));
}

/**
 * The array of each node, all of which depend on constants alone. Computes those that no other program has prepared, in
 * programs that are released at once.
 */
async function preparedArrays<T>(
  engine: Engine<T>,
  nodes: readonly Lowered[],
  used: UsedArrays,
): Promise<NdArray[]> {
  const keys = nodes.map(computationKey);
  const arrays = new Map<string, NdArray>();
  const missing: Record<string, Lowered> = {};
  for (const [i, node] of nodes.entries()) {
    const array = isLowered(node, "Constant") ? node.attrs.array : used.find(keys[i]);
    if (array === undefined) missing[keys[i]] = node;
    else arrays.set(keys[i], array);
  }
  for (const part of partition(missing, PART_BYTES)) {
    const names = Object.keys(part);
    const numbered = Object.fromEntries(names.map((name, i) => [`${i}`, part[name]]));
    const { graph, fed } = constantsAsInputs(numbered);
    const preparing = await openGraph(engine, graph, { arena: false });
    try {
      const results = await preparing.run(fed);
      for (const [i, name] of names.entries()) arrays.set(name, used.add(name, results[i]));
    } finally {
      await preparing.release();
    }
  }
  return keys.map((key) => arrays.get(key) as NdArray);
}

/** A program whose prepared part depends on constants alone: computes what `used` lacks of that part once, now. */
async function withConstants<T>(
  engine: Engine<T>,
  split: SplitGraph,
  graph: LoweredGraph,
  used: UsedArrays,
): Promise<Program> {
  const prepared = Object.entries(split.prepared);
  const sources = prepared.map(([, node]) => withoutReshape(node));
  const arrays = await preparedArrays(engine, sources, used);
  const readers = readersOf(graph);
  const constants: Record<string, Lowered> = {};
  const fed: Record<string, NdArray> = {};
  for (const [i, [name, node]] of prepared.entries()) {
    const { dtype, shape } = node;
    const array: NdArray = { ...arrays[i], shape };
    if (prefersConstant(node, readers(node)))
      constants[name] = { op: "Constant", inputs: [], attrs: { array }, dtype, shape };
    else fed[name] = array;
  }
  const main = await openGraph(engine, split.main(constants));
  return {
    run: (feeds, into) => main.run({ ...feeds, ...fed }, into),
    async release() {
      used.release();
      await main.release();
    },
  };
}

/** Opens graphs as one program that runs them in turn. Each graph comes with arrays to feed it in every run. */
async function openSequence<T>(
  engine: Engine<T>,
  parts: readonly { readonly graph: LoweredGraph; readonly fed: Arrays }[],
): Promise<Program> {
  const programs: Program[] = [];
  for (const { graph } of parts) programs.push(await openGraph(engine, graph, { arena: false }));
  return {
    async run(feeds, into) {
      const arrays: Record<string, NdArray> = {};
      for (const [i, program] of programs.entries())
        Object.assign(arrays, await program.run({ ...feeds, ...parts[i].fed }, into));
      return arrays;
    },
    async release() {
      await Promise.all(programs.map((program) => program.release()));
    },
  };
}

/**
 * Runs `main` on the outputs of `preparing`, which are cached until one of the arrays named in `inputs` is replaced by
 * another object. Only `main` reads the cached arrays, so a new preparation overwrites them.
 */
class CachingProgram implements Program {
  readonly #inputs: readonly string[];
  readonly #preparing: Program;
  readonly #main: Program;
  /** The arrays named in `inputs` that `#prepared` was computed from; null if it must be recomputed. */
  #sources: readonly Feeds[string][] | null = null;
  #prepared: Arrays = {};

  constructor(inputs: readonly string[], preparing: Program, main: Program) {
    this.#inputs = inputs;
    this.#preparing = preparing;
    this.#main = main;
  }

  async run(feeds: Feeds, into?: Arrays): Promise<Record<string, NdArray>> {
    const sources = this.#inputs.map((name) => feeds[name]);
    if (this.#sources === null || sources.some((array, i) => array !== this.#sources?.[i])) {
      // A failed preparation may leave half-written arrays.
      this.#sources = null;
      this.#prepared = await this.#preparing.run(feeds, this.#prepared);
      this.#sources = sources;
    }
    return this.#main.run({ ...feeds, ...this.#prepared }, into);
  }

  async release(): Promise<void> {
    this.#sources = null;
    this.#prepared = {};
    await this.#preparing.release();
    await this.#main.release();
  }
}
