import type { NdArray } from "../../math/tensor.ts";
import { isLowered, type Lowered } from "../graph/lowered.ts";
import { topological } from "../graph/value.ts";
import type { Lowering } from "./lowerings.ts";
import type { Arrays, Feeds, Program, Runtime } from "./runtime.ts";
import { type Engine, type LoweredGraph, openGraph } from "./session.ts";
import {
  constantsAsInputs,
  partition,
  prefersConstant,
  readersOf,
  type SplitGraph,
  splitGraph,
} from "./split-graph.ts";

/** Size in bytes of the outputs that one preparing program computes. */
const PART_BYTES = 2 ** 26;

/** The `compile` of a runtime: lowers graphs and opens them with `engine`. */
export const compiler =
  <T>(engine: Engine<T>, { lower, prepares }: Lowering): Runtime["compile"] =>
  async (outputs, { fixed = [] } = {}) => {
    const graph = lower(outputs);
    if (!prepares) return openGraph(engine, graph);
    const split = splitGraph(graph, (name) => fixed.includes(name));
    if (Object.keys(split.prepared).length === 0) return openGraph(engine, split.main({}));
    const inputs = inputNames(split.prepared);
    return inputs.length > 0
      ? withFixedInputs(engine, split, inputs)
      : withConstants(engine, split, graph);
  };

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

/** A program whose prepared part depends on constants alone: runs that part once, now. */
async function withConstants<T>(
  engine: Engine<T>,
  split: SplitGraph,
  graph: LoweredGraph,
): Promise<Program> {
  const arrays: Record<string, NdArray> = {};
  for (const { graph: part, fed } of preparedParts(split)) {
    const preparing = await openGraph(engine, part, { arena: false });
    Object.assign(arrays, await preparing.run(fed));
    await preparing.release();
  }
  const readers = readersOf(graph);
  const constants: Record<string, Lowered> = {};
  const fed: Record<string, NdArray> = {};
  for (const [name, node] of Object.entries(split.prepared)) {
    const { dtype, shape } = node;
    const array = arrays[name];
    if (prefersConstant(node, readers(node)))
      constants[name] = { op: "Constant", inputs: [], attrs: { array }, dtype, shape };
    else fed[name] = array;
  }
  const main = await openGraph(engine, split.main(constants));
  return {
    run: (feeds, into) => main.run({ ...feeds, ...fed }, into),
    release: () => main.release(),
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
