import { z } from "zod";
import { isFloatExpression, type Value } from "../engine/graph/value.ts";
import { makerWith } from "../math/maker.ts";
import { checkedOptions } from "../math/option-problems.ts";
import { badPlugin, callPlugin, requireResult } from "../math/plugin.ts";
import type { Tensor } from "../math/tensor.ts";
import { checkLoss } from "./check-loss.ts";
import { plainOfGraph } from "./derived-plain.ts";
import type { LossDefinition } from "./loss-definition.ts";
import { type LossData, type OwnLoss, requireSameExamples, takeData } from "./own-loss.ts";
import { oneHotLabels } from "./weights.ts";

/** The resolved options of a loss. */
export type LossOptions = Readonly<Record<string, unknown>>;

/** What `defineLoss` is given. */
export interface LossSpecification<
  Data extends LossData = LossData,
  Options extends LossOptions = LossOptions,
> {
  /** The name in the table of losses: `soft-margin`. */
  readonly name: string;
  /** The publication, or another origin. */
  readonly source: string;
  /** The strict schema of the options, each with a description; absent for a loss without options. */
  readonly options?: z.ZodObject;
  /**
   * Builds losses [batch] from logits [batch, classes], which are finite, and the weights [batch, classes] of the same
   * examples. A loss of one row must not depend on other rows.
   */
  graph(logits: Value, weights: Value, options: Options): Value;
  /** The weights [examples, classes] that the graph takes; by default 1 at each label and 0 elsewhere. */
  weights?(data: Data, classes: number): Tensor;
  /**
   * The loss of example `i`, whose logits are z [classes], in plain arithmetic; writes ∂loss/∂z to `slopes` [classes],
   * zeros on entry. By default derived from the graph by the reference interpreter and automatic differentiation.
   */
  plain?(data: Data, i: number, z: Float32Array, slopes: Float32Array, options: Options): number;
}

/**
 * A loss from outside. Called with the labels, and whatever else it compares logits with, it makes a loss that an attack may
 * pass to `lossAndGradient`. Throws `UsageError` for a wrong option, or for lists of different lengths.
 */
export interface OwnLossDefinition<
  Data extends LossData = LossData,
  Options extends LossOptions = LossOptions,
> extends Omit<LossSpecification<Data, Options>, "options"> {
  (data: Data, options?: Partial<Options>): OwnLoss;
  readonly type: "loss";
  readonly options: z.ZodObject;
}

/** Counts definitions, so that two of the same name do not share a compiled program. */
let defined = 0;

/**
 * Defines a loss that each row of logits has for itself. Pure: `losses.add` lists it, but a loss needs no table to be used.
 * Its gradient is compared with finite differences, or with `plain`, when it is first used; if they disagree, or if the loss
 * of a row depends on other rows, the use throws `UsageError` with the code `bad-plugin`.
 *
 * @example
 * ```ts
 * import { defineLoss, ops } from "rampart";
 *
 * const probability = defineLoss({
 *   name: "wrong-probability",
 *   source: "this example",
 *   graph: (logits, oneHot) =>
 *     ops.sub(ops.scalar(1), ops.sum(ops.mul(ops.softmax(logits), oneHot), [1])),
 * });
 * console.log(probability({ labels: [3] }).kind);
 * ```
 */
export function defineLoss<
  Data extends LossData = LossData,
  Options extends LossOptions = LossOptions,
>(given: LossSpecification<Data, Options>): OwnLossDefinition<Data, Options> {
  const self = { type: "loss", name: String(given.name) } as const;
  if (!/^[a-z][a-z0-9-]*$/.test(self.name))
    throw badPlugin(self, "needs a name of lower-case letters, digits and hyphens");
  if (typeof given.graph !== "function") throw badPlugin(self, "needs a function graph");
  const options = given.options ?? z.strictObject({});
  const number = defined++;
  const bound = new Map<string, LossDefinition<OwnLoss>>();
  const make = (data: Data, some: Partial<Options> = {}): OwnLoss => {
    requireSameExamples(given.name, data);
    const resolved = checkedOptions(options, some) as Options;
    const key = JSON.stringify(resolved);
    const rows = bound.get(key) ?? withOptions(definition, resolved, `${number} ${key}`);
    bound.set(key, rows);
    return { kind: "own", name: given.name, data, definition: rows };
  };
  const definition = makerWith(make, {
    type: self.type,
    name: given.name,
    source: given.source,
    graph: given.graph,
    weights: given.weights,
    plain: given.plain,
    options,
  }) as OwnLossDefinition<Data, Options>;
  return definition;
}

/** The shape of a returned expression, for messages; `no expression` for any other value. */
const returnedShape = (value: unknown): string => {
  const { op, shape } = (value ?? {}) as Partial<Value>;
  return typeof op === "string" && Array.isArray(shape) ? `[${shape.join(", ")}]` : "no expression";
};

/** The definition of a loss with these options; `id` tells it from others of its name. */
function withOptions<Data extends LossData, Options extends LossOptions>(
  self: OwnLossDefinition<Data, Options>,
  options: Options,
  id: string,
): LossDefinition<OwnLoss> {
  const { plain: own } = self;
  const checked = new Set<number>();
  const graph = (logits: Value, weights: Value): Value => {
    const losses = callPlugin(self, "graph", () => self.graph(logits, weights, options));
    if (!isFloatExpression(losses, [logits.shape[0]]))
      throw badPlugin(
        self,
        `returned ${returnedShape(losses)} from graph, and must return an expression of shape [${logits.shape[0]}], a loss per row`,
      );
    return losses;
  };
  const weightsOf = ({ data }: OwnLoss, classes: number): Tensor => {
    if (self.weights === undefined) return oneHotLabels(data.labels, classes);
    const weights = callPlugin(self, "weights", () => self.weights?.(data as Data, classes));
    return requireResult(self, "weights", weights, [data.labels.length, classes]);
  };
  const ownPlain: LossDefinition<OwnLoss>["plain"] | undefined =
    own &&
    (({ data }, i, z, slopes) =>
      callPlugin(self, "plain", () => own(data as Data, i, z, slopes, options)));
  const derived = plainOfGraph(graph, weightsOf);
  const definition: LossDefinition<OwnLoss> = {
    type: "loss",
    name: self.name,
    source: self.source,
    graphName: `${self.name} ${id}`,
    graph,
    weights(loss, classes) {
      const weights = weightsOf(loss, classes);
      check(loss, classes);
      return weights;
    },
    plain(loss, i, z, slopes) {
      check(loss, z.length);
      return (ownPlain ?? derived)(loss, i, z, slopes);
    },
    take: (loss, indices) => ({
      kind: "own",
      name: loss.name,
      data: takeData(loss.data, indices),
      definition,
    }),
  };
  function check(loss: OwnLoss, classes: number): void {
    if (checked.has(classes) || loss.data.labels.length === 0) return;
    checked.add(classes);
    checkLoss(self, { loss, classes, graph, weightsOf, plain: ownPlain });
  }
  return definition;
}
