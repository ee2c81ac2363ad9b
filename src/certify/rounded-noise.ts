// The classifier of sound sampling as a noise of attacks and evaluations, so that these are about the classifier that is certified.
import { type Tensor, tensor } from "../math/tensor.ts";
import { type Noise, underDraw } from "../noise/noise.ts";
import { GRID } from "./grid-noise.ts";

/**
 * The noise, after which images are rounded to 8 bits: x ↦ round(255 (x + η))/255, which is not clipped. Attacks take rounding for
 * the identity in gradients (straight-through; BPDA, Athalye et al. 2018, arXiv:1802.00420).
 */
export function roundedNoise(noise: Noise): Noise {
  const describe = () => `${noise.describe?.() ?? noise.name}, rounded to multiples of 1/${GRID}`;
  return {
    name: noise.name,
    sample: (keys, shape) => noise.sample(keys, shape),
    combine: (x, drawn) => rounded(x, drawn, noise),
    describe,
    prefetch: noise.prefetch,
    grid: GRID,
  };
}

/** In doubles, since the sum in float32 could be the middle between two levels. */
function rounded(x: Tensor, drawn: Tensor, noise: Noise): Tensor {
  const combined = noise.combine === undefined ? null : underDraw(noise, x, drawn).data;
  const out = new Float32Array(x.data.length);
  for (let i = 0; i < out.length; i++) {
    const sum = combined === null ? x.data[i] + drawn.data[i] : combined[i];
    out[i] = Math.round(GRID * sum) / GRID;
  }
  return tensor(x.shape, out);
}
