import { add, mul, scalarLike, sub } from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import type { Shape } from "../math/tensor.ts";

/** Expressions by parameter name. */
export type Values = Readonly<Record<string, Value>>;

/**
 * A rule for changing parameters, as expressions. `slots` names the arrays it remembers per parameter, all
 * zero before the first step and of the parameter's own shape; the learning rate is a scalar fed at every step.
 */
export interface Optimizer {
  readonly slots: readonly string[];
  update(
    parameter: Value,
    gradient: Value,
    state: Values,
    rate: Value,
  ): { readonly parameter: Value; readonly state: Values };
}

/** Settings of `sgd`. */
export interface SgdOptions {
  /** Share of the previous velocity that is kept. */
  readonly momentum: number;
  /** λ of the penalty λ/2·‖p‖², which enters through the gradient. */
  readonly weightDecay: number;
}

/**
 * Stochastic gradient descent with Nesterov momentum in PyTorch's form (Sutskever et al. 2013): the rate
 * scales the velocity when it is applied, not when it is accumulated. Weight decay acts on every trainable
 * parameter, batch norm's scale and bias included, as in Zagoruyko & Komodakis (2016).
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

/** The name under which a remembered array travels: `momentum/fc.weight`. */
export const slotName = (slot: string, parameter: string): string => `${slot}/${parameter}`;

/** Names and shapes of all arrays that an optimiser remembers for these parameters. */
export const slotShapes = (
  { slots }: Optimizer,
  parameters: readonly { readonly name: string; readonly shape: Shape }[],
): [name: string, shape: Shape][] =>
  parameters.flatMap(({ name, shape }) =>
    slots.map((slot): [string, Shape] => [slotName(slot, name), shape]),
  );
