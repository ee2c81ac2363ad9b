// The rounding of sound sampling as a noise for attacks and evaluations, so that they use the certified classifier.
import { type Tensor, tensor } from "../math/tensor.ts";
import { type Noise, underDraw } from "../noise/noise.ts";
import { GRID } from "./grid-noise.ts";

/**
 * The noise, followed by rounding to 8 bits: x ↦ round(255 (x + η))/255, without clipping. Gradients treat rounding as the
 * identity (straight-through; BPDA, Athalye et al. 2018, arXiv:1802.00420).
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

/** In doubles, because a float32 sum could be exactly halfway between two levels. */
function rounded(x: Tensor, drawn: Tensor, noise: Noise): Tensor {
  const combined = noise.combine === undefined ? null : underDraw(noise, x, drawn).data;
  const out = new Float32Array(x.data.length);
  for (let i = 0; i < out.length; i++) {
    const sum = combined === null ? x.data[i] + drawn.data[i] : combined[i];
    out[i] = Math.round(GRID * sum) / GRID;
  }
  return tensor(x.shape, out);
}
