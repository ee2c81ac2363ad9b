import { type Shape, sizeOf, type Tensor, tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { FlatNetwork } from "./falsify.ts";
import type { Property } from "./property.ts";

/** A network that can be asked and differentiated; axis 0 of every tensor is the batch. */
export interface Network {
  /** Shapes without the batch. */
  readonly inputs: readonly { readonly name: string; readonly shape: Shape }[];
  outputs(x: Tensor): Promise<Tensor>;
  /** Outputs, and ∂(Σ weights · outputs)/∂x, from weights of the outputs' shape. */
  vectorJacobian(
    x: Tensor,
    weights: Tensor,
  ): Promise<{ readonly outputs: Tensor; readonly gradient: Tensor }>;
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;

/**
 * The network with X_i as the i-th number of its one input and Y_j as the j-th of its output, row-major; asks it once to
 * learn its outputs. Fails with a UsageError where the property has other numbers of inputs or outputs.
 */
export async function flatNetwork(
  network: Network,
  property: Pick<Property, "inputs" | "outputs">,
): Promise<FlatNetwork> {
  const [input, ...others] = network.inputs;
  if (input === undefined || others.length > 0)
    throw new UsageError(
      `the network has ${count(network.inputs.length, "input")}${others.length > 0 ? ` (${network.inputs.map(({ name }) => name).join(", ")})` : ""}; a property is about a network of one`,
    );
  const { shape } = input;
  if (sizeOf(shape) !== property.inputs)
    throw new UsageError(
      `the network takes ${count(sizeOf(shape), "number")} ([${shape.join(", ")}]) and the property bounds ${property.inputs}; they belong to different networks`,
    );
  const first = await network.outputs(tensor([1, ...shape]));
  const [, ...outputShape] = first.shape;
  if (sizeOf(outputShape) !== property.outputs)
    throw new UsageError(
      `the network gives ${count(sizeOf(outputShape), "number")} and the property is about ${property.outputs}; they belong to different networks`,
    );
  const shaped = ({ shape: [batch], data }: Tensor, inner: Shape) =>
    tensor([batch, ...inner], data);
  const flat = ({ shape: [batch], data }: Tensor) => tensor([batch, data.length / batch], data);
  return {
    outputs: async (x) => flat(await network.outputs(shaped(x, shape))),
    async gradient(x, weights) {
      const { outputs, gradient } = await network.vectorJacobian(
        shaped(x, shape),
        shaped(weights, outputShape),
      );
      return { outputs: flat(outputs), gradient: flat(gradient) };
    },
  };
}
