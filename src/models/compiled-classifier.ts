import { gradient } from "../engine/autodiff/gradient.ts";
import { input, sum } from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import type { Feeds, Runtime } from "../engine/runtime/runtime.ts";
import { type LossGraph, lossGraph, lossWeights } from "../losses/graph.ts";
import type { Key } from "../math/random.ts";
import { elementCount, rowSize, rows, type Tensor, tensor } from "../math/tensor.ts";
import type { Architecture, Mode } from "./architecture.ts";
import { batchSizes, padded, rowsOfCompilation } from "./batch-size.ts";
import type { Classifier } from "./classifier-interface.ts";
import { dropoutMasks } from "./dropout.ts";
import { predictionMacs } from "./flops.ts";
import { type CompilableProgram, OpenPrograms } from "./open-programs.ts";
import { programBytes } from "./run-memory.ts";

/** How a network is compiled and fed. */
export interface CompiledClassifierOptions {
  readonly runtime: Runtime;
  readonly architecture: Architecture;
  readonly mode: Mode;
  /**
   * An array of the network as an expression, in the shape of its `ParameterSpec`: a constant, or an input that
   * `parameterFeeds` feeds.
   */
  readonly parameter: (name: string) => Value;
  /** The arrays that parameters which are inputs are fed, read at every run. */
  readonly parameterFeeds: () => Feeds;
  /** Bytes that the values of all open programs may take; no limit by default. */
  readonly maxBytes?: number;
}

/** A network that compiles one program per batch size and loss, when it is first needed. */
export function compiledClassifier(options: CompiledClassifierOptions): Classifier {
  const { runtime, architecture, mode, parameter, parameterFeeds } = options;
  const { maxBytes = Number.POSITIVE_INFINITY } = options;
  const { inputShape, classes } = architecture;
  const programs = new OpenPrograms(maxBytes);
  const fixed = architecture.parameters.map(({ name }) => name);
  const sizesByDraws = new Map<number, (batch: number) => number>();
  let knownRows: number | undefined;

  /** A gradient by x, which most calls ask for, takes twice the operations of a prediction. */
  const compilationRows = (): number => {
    knownRows ??= rowsOfCompilation(2 * predictionMacs(architecture));
    return knownRows;
  };

  /**
   * The compiled batch size, at least `batch`, that `batch` rows run in. Pads by whole examples of `draws` rows. Batch
   * mode is never padded, because the padding would change the batch's statistics.
   */
  function sizeFor(batch: number, draws: number): number {
    if (mode === "batch") return batch;
    const size = sizesByDraws.get(draws) ?? batchSizes(() => compilationRows() / draws);
    sizesByDraws.set(draws, size);
    return draws * size(batch / draws);
  }

  const programName = (batch: number, loss: LossGraph | null) => `${loss?.name}:${batch}`;

  function program(batch: number, loss: LossGraph | null): CompilableProgram {
    const x = input("x", [batch, ...inputShape]);
    const parameters = new Map<string, Value>();
    const parameterOnce = (name: string) => {
      const value = parameters.get(name) ?? parameter(name);
      parameters.set(name, value);
      return value;
    };
    const { logits } = architecture.forward(x, parameterOnce, mode);
    const outputs: Record<string, Value> = { logits };
    if (loss !== null) {
      outputs.losses = loss.losses(logits, input("weights", [batch / loss.draws, classes]));
      [outputs.gradient] = gradient(sum(outputs.losses), [x]);
    }
    return {
      bytes: maxBytes === Number.POSITIVE_INFINITY ? 0 : programBytes(Object.values(outputs)),
      compile: () => runtime.compile(outputs, { fixed }),
    };
  }

  /** Everything but x. Checks x first, since the error of a runtime would say less. */
  function feedsFor(x: Tensor, keys: readonly Key[]): Feeds {
    if (rowSize(x) !== elementCount(inputShape) || x.shape[0] !== keys.length)
      throw new Error(
        `${architecture.name} takes [batch, ${inputShape.join(", ")}] and a key per example, got [${x.shape.join(", ")}] and ${keys.length} keys`,
      );
    const parameters = parameterFeeds();
    if (mode !== "batch") return parameters;
    return { ...parameters, ...dropoutMasks(architecture, keys) };
  }

  return {
    architecture,
    async logits(x, keys) {
      const batch = keys.length;
      if (batch === 0) return tensor([0, classes]);
      const size = sizeFor(batch, 1);
      const feeds = feedsFor(x, keys);
      const { logits } = await programs.run(programName(size, null), () => program(size, null), {
        ...feeds,
        x: padded(x, size),
      });
      return rows(logits as Tensor, 0, batch);
    },
    async lossAndGradient(x, loss, keys, hints) {
      const batch = keys.length;
      if (batch === 0)
        return { losses: new Float32Array(0), logits: tensor([0, classes]), gradient: x };
      const graph = lossGraph(loss);
      const size = sizeFor(batch, graph.draws);
      const weights = padded(lossWeights(loss, classes), size / graph.draws);
      const feeds = feedsFor(x, keys);
      const reuse = hints?.reuse;
      const fits = reuse?.gradient.data.length === size * rowSize(x);
      const { losses, logits, gradient } = await programs.run(
        programName(size, graph),
        () => program(size, graph),
        { ...feeds, weights, x: padded(x, size) },
        fits ? { logits: reuse.logits, gradient: reuse.gradient } : {},
      );
      return {
        losses: (losses.data as Float32Array).subarray(0, batch / graph.draws),
        logits: rows(logits as Tensor, 0, batch),
        gradient: rows(gradient as Tensor, 0, batch),
      };
    },
    release: () => programs.release(),
  };
}
