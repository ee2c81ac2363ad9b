import { add, div, maximum, mul, scalarLike, sqrt, sub, sum } from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import type { Shape } from "../math/tensor.ts";

/** Expressions by parameter name. */
export type Values = Readonly<Record<string, Value>>;

/** An update rule for parameters, as expressions. */
export interface Optimizer {
  /** The largest ℓ2 norm of all gradients together; absent for any. */
  readonly maxNorm?: number | undefined;
  /** What the rate of a step is multiplied by; steps count from 0. Absent for 1. */
  readonly rateFactor?: ((step: number) => number) | undefined;
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

/** The gradients, scaled down together where their common ℓ2 norm is above `max` (Pascanu et al. 2013, arXiv:1211.5063, Alg. 1). */
export function clipped(gradients: readonly Value[], max: number): readonly Value[] {
  const squares = gradients.map((one) => sum(mul(one, one)));
  const norm = sqrt(squares.reduce((a, b) => add(a, b)));
  const factor = div(scalarLike(norm, max), maximum(norm, scalarLike(norm, max)));
  return gradients.map((one) => mul(one, factor));
}

/** Settings of `sgd`. */
export interface SgdOptions {
  /** The share of the previous velocity that is kept. */
  readonly momentum: number;
  /** λ of the penalty λ/2·‖p‖², added as λ·p to the gradient. */
  readonly weightDecay: number;
  /** The largest ℓ2 norm of all gradients together; by default any. */
  readonly maxNorm?: number | undefined;
}

/**
 * Stochastic gradient descent with Nesterov momentum (Sutskever et al. 2013) as in PyTorch: v ← μ·v + g, p ← p − rate·(g
 * + μ·v), with g the gradient plus λ·p. Weight decay acts on all trainable parameters, batch norm's scale and bias
 * included, as in Zagoruyko & Komodakis (2016, arXiv:1605.07146).
 */
export const sgd = ({ momentum, weightDecay, maxNorm }: SgdOptions): Optimizer => ({
  maxNorm,
  slots: ["momentum"],
  update(p, gradient, state, rate) {
    const times = (x: Value, factor: number) => mul(x, scalarLike(x, factor));
    const g = weightDecay === 0 ? gradient : add(gradient, times(p, weightDecay));
    const velocity = add(times(state.momentum, momentum), g);
    const direction = add(g, times(velocity, momentum));
    return { parameter: sub(p, mul(direction, rate)), state: { momentum: velocity } };
  },
});

/** The decay of the averages of `adam`, and what its divisor is at least, as in its paper and in PyTorch. */
const [FIRST, SECOND, TINY] = [0.9, 0.999, 1e-8];

/**
 * Adam (Kingma & Ba 2015, arXiv:1412.6980, Alg. 1, with the corrections of the bias in the rate as at the end of §2): m ← β₁·m +
 * (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g², p ← p − rate·m / (√v + ε). Weight decay adds λ·p to the gradient, as in PyTorch.
 */
export const adam = ({ weightDecay, maxNorm }: Omit<SgdOptions, "momentum">): Optimizer => ({
  maxNorm,
  rateFactor: (step) => Math.sqrt(1 - SECOND ** (step + 1)) / (1 - FIRST ** (step + 1)),
  slots: ["mean", "squares"],
  update(p, gradient, state, rate) {
    const times = (x: Value, factor: number) => mul(x, scalarLike(x, factor));
    const g = weightDecay === 0 ? gradient : add(gradient, times(p, weightDecay));
    const mean = add(times(state.mean, FIRST), times(g, 1 - FIRST));
    const squares = add(times(state.squares, SECOND), times(mul(g, g), 1 - SECOND));
    const direction = div(mean, add(sqrt(squares), scalarLike(squares, TINY)));
    return { parameter: sub(p, mul(direction, rate)), state: { mean, squares } };
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
