import { elementCount, type Shape, type Tensor, tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Network } from "../models/network.ts";
import type { FlatNetwork } from "./falsify.ts";
import type { Property } from "./property.ts";

/** A differentiable function of arrays that its owner releases. */
export type DifferentiableNetwork = Omit<Network, "release">;

const counted = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? "" : "s"}`;

/**
 * Flattens a network: X_i is element i of its only input and Y_j is element j of its output, in row-major order. Runs
 * the network once to find the shape of its output. Throws `UsageError` if the property has another number of inputs or
 * outputs.
 */
export async function flatNetwork(
  network: DifferentiableNetwork,
  property: Pick<Property, "inputs" | "outputs">,
): Promise<FlatNetwork> {
  const [input, ...others] = network.inputs;
  if (input === undefined || others.length > 0) {
    const names = network.inputs.map(({ name }) => name).join(", ");
    throw new UsageError(
      `the network has ${counted(network.inputs.length, "input")}${others.length > 0 ? ` (${names})` : ""}; a property is about a network of one`,
      { code: "misfit" },
    );
  }
  const { shape, isWhole = false } = input;
  if (elementCount(shape) !== property.inputs)
    throw new UsageError(
      `the network takes ${counted(elementCount(shape), "number")} ([${shape.join(", ")}]) and the property bounds ${property.inputs}; they belong to different networks`,
      { code: "misfit" },
    );
  const first = await network.outputs(tensor([1, ...shape]));
  const [, ...outputShape] = first.shape;
  if (elementCount(outputShape) !== property.outputs)
    throw new UsageError(
      `the network gives ${counted(elementCount(outputShape), "number")} and the property is about ${property.outputs}; they belong to different networks`,
      { code: "misfit" },
    );
  const shaped = ({ shape: [batch], data }: Tensor, inner: Shape) =>
    tensor([batch, ...inner], data);
  const flat = ({ shape: [batch], data }: Tensor) => tensor([batch, data.length / batch], data);
  return {
    isWhole,
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
