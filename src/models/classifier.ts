import { gradient } from "../engine/autodiff/gradient.ts";
import { constant, input, sum } from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import type { Feeds, Program, Runtime } from "../engine/runtime/runtime.ts";
import { type LossGraph, lossGraph, lossWeights } from "../losses/graph.ts";
import type { Loss } from "../losses/loss.ts";
import type { Key } from "../math/random.ts";
import { rowSize, rows, type Tensor, tensor } from "../math/tensor.ts";
import type { Architecture, Mode, Parameters } from "./architecture.ts";
import { batchSizes, padded } from "./batch-size.ts";
import { compiledLoss } from "./compiled-loss.ts";
import { dropoutMasks } from "./dropout.ts";
import { withFixedBatch } from "./fixed-batch.ts";
import { withForeignErrors } from "./foreign-errors.ts";

/** A network with weights, ready to run; what an attack calls a victim. Any batch size is accepted. */
export interface Classifier {
  readonly architecture: Architecture;
  /** [batch, channel, height, width] in [0, 1] → [batch, classes]; a deterministic network ignores the keys. */
  logits(x: Tensor, keys: readonly Key[]): Promise<Tensor>;
  /**
   * Per-example losses, logits of each row, and ∂(Σ losses)/∂x, all from one run; it may be written over the arrays of `over`, which nobody
   * reads any more.
   */
  lossAndGradient(x: Tensor, loss: Loss, keys: readonly Key[], over?: Answer): Promise<Answer>;
  release(): Promise<void>;
}

/** Losses, logits and ∂(Σ losses)/∂x. */
export interface Answer {
  readonly losses: Float32Array;
  readonly logits: Tensor;
  readonly gradient: Tensor;
}

/** A network whose weights no longer change: they are constants of the graph, and frozen layers fold into them. */
export function classifier(
  runtime: Runtime,
  architecture: Architecture,
  parameters: Parameters,
): Classifier {
  const parameter = (name: string) => constant(parameters[name]);
  const on = withForeignErrors(runtime, architecture);
  const network = compiled(on, architecture, "frozen", parameter, () => ({}));
  const { fixedBatch = null } = architecture;
  return fixedBatch === null ? network : withFixedBatch(fixedBatch, network, compiledLoss(runtime));
}

/**
 * A network in training: `current` gives its weights, as a new object whenever they have changed. In batch
 * mode it uses the batch's own statistics and dropout (masks drawn from the keys), so results depend on
 * the batch.
 */
export function trainableClassifier(
  runtime: Runtime,
  architecture: Architecture,
  current: () => Feeds,
  mode: Mode,
): Classifier {
  // Weights that stay on the device are fed as they are; where all cross the host, constants do so once.
  const { target, deviceMemory } = runtime;
  if (mode === "frozen" && target.lowering === "plain" && deviceMemory === undefined)
    return snapshots(runtime, architecture, current as () => Parameters);
  const specs = new Map(architecture.parameters.map((spec) => [spec.name, spec]));
  const parameter = (name: string) => input(name, specs.get(name)?.shape ?? []);
  return compiled(runtime, architecture, mode, parameter, current);
}

/**
 * Compiles anew for each set of weights. An attack takes ten gradients between two changes, and weights
 * that are constants make each of them almost twice as fast, for the price of a fraction of one. (A blocked lowering
 * prepares weights itself, once per set, and needs no new program.)
 */
function snapshots(
  runtime: Runtime,
  architecture: Architecture,
  current: () => Parameters,
): Classifier {
  let taken: { readonly of: Parameters; readonly network: Classifier } | null = null;
  async function now(): Promise<Classifier> {
    const parameters = current();
    if (taken?.of === parameters) return taken.network;
    const before = taken;
    taken = { of: parameters, network: classifier(runtime, architecture, parameters) };
    await before?.network.release();
    return taken.network;
  }
  return {
    architecture,
    logits: async (x, keys) => (await now()).logits(x, keys),
    lossAndGradient: async (x, loss, keys, over) =>
      (await now()).lossAndGradient(x, loss, keys, over),
    async release() {
      await taken?.network.release();
      taken = null;
    },
  };
}

function compiled(
  runtime: Runtime,
  architecture: Architecture,
  mode: Mode,
  parameter: (name: string) => Value,
  fed: () => Feeds,
): Classifier {
  const { inputShape, classes } = architecture;
  const programs = new Map<string, Promise<Program>>();
  const fixed = architecture.parameters.map(({ name }) => name);
  const sizes = new Map<number, (batch: number) => number>();

  /**
   * The compiled batch size that `batch` rows run in, a whole number of runs of `draws`: their own in batch mode, where
   * padding would count.
   */
  function sizeFor(batch: number, draws: number): number {
    if (mode === "batch") return batch;
    // Runs of draws are padded by whole examples.
    const size = sizes.get(draws) ?? batchSizes();
    sizes.set(draws, size);
    return draws * size(batch / draws);
  }

  /** One program per batch size and loss, made when first needed. */
  function program(batch: number, loss: LossGraph | null): Promise<Program> {
    const name = `${loss?.name}:${batch}`;
    const made = programs.get(name) ?? make(batch, loss);
    programs.set(name, made);
    return made;
  }

  function make(batch: number, loss: LossGraph | null): Promise<Program> {
    const x = input("x", [batch, ...inputShape]);
    const once = new Map<string, Value>();
    const shared = (name: string) => {
      const value = once.get(name) ?? parameter(name);
      once.set(name, value);
      return value;
    };
    const { logits } = architecture.forward(x, shared, mode);
    if (loss === null) return runtime.compile({ logits }, { fixed });
    const losses = loss.losses(logits, input("weights", [batch / loss.draws, classes]));
    const [dx] = gradient(sum(losses), [x]);
    return runtime.compile({ logits, losses, gradient: dx }, { fixed });
  }

  /** Fails early where a runtime would say less. */
  function feeds(x: Tensor, keys: readonly Key[]): Feeds & { readonly x: Tensor } {
    if (rowSize(x) !== inputShape.reduce((size, n) => size * n, 1) || x.shape[0] !== keys.length)
      throw new Error(
        `${architecture.name} takes [batch, ${inputShape.join(", ")}] and a key per example, got [${x.shape.join(", ")}] and ${keys.length} keys`,
      );
    return { x, ...fed(), ...(mode === "batch" ? dropoutMasks(architecture, keys) : {}) };
  }

  return {
    architecture,
    async logits(x, keys) {
      const batch = keys.length;
      if (batch === 0) return tensor([0, classes]);
      const size = sizeFor(batch, 1);
      const fed = feeds(x, keys);
      const { logits } = await (await program(size, null)).run({ ...fed, x: padded(fed.x, size) });
      return rows(logits as Tensor, 0, batch);
    },
    async lossAndGradient(x, loss, keys, over) {
      const batch = keys.length;
      if (batch === 0)
        return { losses: new Float32Array(0), logits: tensor([0, classes]), gradient: x };
      const graph = lossGraph(loss);
      const size = sizeFor(batch, graph.draws);
      const weights = padded(lossWeights(loss, classes), size / graph.draws);
      const fed = feeds(x, keys);
      const run = await program(size, graph);
      const fits = over?.gradient.data.length === size * rowSize(x);
      const { losses, logits, gradient } = await run.run(
        { ...fed, weights, x: padded(fed.x, size) },
        fits ? { logits: over.logits, gradient: over.gradient } : {},
      );
      return {
        losses: (losses.data as Float32Array).subarray(0, batch / graph.draws),
        logits: rows(logits as Tensor, 0, batch),
        gradient: rows(gradient as Tensor, 0, batch),
      };
    },
    async release() {
      const all = await Promise.all(programs.values());
      programs.clear();
      await Promise.all(all.map((one) => one.release()));
    },
  };
}
