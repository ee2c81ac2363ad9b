import { add, mul, scalarLike, sub } from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import type { Shape } from "../math/tensor.ts";

/** Expressions by parameter name. */
export type Values = Readonly<Record<string, Value>>;

/** An update rule for parameters, as expressions. */
export interface Optimizer {
  /** The arrays kept per parameter, each of the parameter's shape and zero before the first step: `momentum`. */
  readonly slots: readonly string[];
  /**
   * The parameter and its slots after a step. `parameter`, `gradient` and slots have equal shapes; `rate` is a scalar.
   */
  update(
    parameter: Value,
    gradient: Value,
    state: Values,
    rate: Value,
  ): { readonly parameter: Value; readonly state: Values };
}

/** Settings of `sgd`. */
export interface SgdOptions {
  /** The share of the previous velocity that is kept. */
  readonly momentum: number;
  /** λ of the penalty λ/2·‖p‖², added as λ·p to the gradient. */
  readonly weightDecay: number;
}

/**
 * Stochastic gradient descent with Nesterov momentum (Sutskever et al. 2013) as in PyTorch: v ← μ·v + g, p ← p − rate·(g
 * + μ·v), with g the gradient plus λ·p. Weight decay acts on all trainable parameters, batch norm's scale and bias
 * included, as in Zagoruyko & Komodakis (2016, arXiv:1605.07146).
 */
export const sgd = ({ momentum, weightDecay }: SgdOptions): Optimizer => ({
  slots: ["momentum"],
  update(p, gradient, state, rate) {
    const times = (x: Value, factor: number) => mul(x, scalarLike(x, factor));
    const g = weightDecay === 0 ? gradient : add(gradient, times(p, weightDecay));
    const velocity = add(times(state.momentum, momentum), g);
    const direction = add(g, times(velocity, momentum));
    return { parameter: sub(p, mul(direction, rate)), state: { momentum: velocity } };
  },
});

/** The name of a parameter's slot: `momentum/fc.weight`. */
export const slotName = (slot: string, parameter: string): string => `${slot}/${parameter}`;

/** Names and shapes of all slots of these parameters. */
export const slotShapes = (
  { slots }: Optimizer,
  parameters: readonly { readonly name: string; readonly shape: Shape }[],
): [name: string, shape: Shape][] =>
  parameters.flatMap(({ name, shape }) =>
    slots.map((slot): [string, Shape] => [slotName(slot, name), shape]),
  );
