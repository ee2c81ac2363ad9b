import { rowSize, type Tensor, tensor } from "../math/tensor.ts";
import { lossOfLogits } from "./losses.ts";
import type { Victim } from "./victim.ts";

/**
 * Logits W·x + b, with weights [classes, pixels] and bias [classes]: its distance to every boundary is known in
 * closed form, which is what attacks are tested against.
 */
export function linearVictim(weights: Tensor, bias: readonly number[]): Victim {
  const [classes = 0, pixels = 0] = weights.shape;
  const logits = (x: Tensor): Tensor => {
    if (rowSize(x) !== pixels) throw new Error(`expected ${pixels} pixels, got ${rowSize(x)}`);
    const batch = x.shape[0] ?? 0;
    const z = tensor([batch, classes]);
    for (let i = 0; i < batch; i++)
      for (let j = 0; j < classes; j++) {
        let sum = bias[j];
        for (let k = 0; k < pixels; k++)
          sum += weights.data[j * pixels + k] * x.data[i * pixels + k];
        z.data[i * classes + j] = sum;
      }
    return z;
  };
  return {
    logits: async (x) => logits(x),
    async lossAndGradient(x, loss) {
      const z = logits(x);
      const { losses, gradient: dz } = lossOfLogits(loss, z);
      const gradient = tensor(x.shape);
      for (let i = 0; i < z.shape[0]; i++)
        for (let k = 0; k < pixels; k++) {
          let sum = 0;
          for (let j = 0; j < classes; j++)
            sum += dz.data[i * classes + j] * weights.data[j * pixels + k];
          gradient.data[i * pixels + k] = sum;
        }
      return { losses, logits: z, gradient };
    },
  };
}
