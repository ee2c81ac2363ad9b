import { gradient } from "../autodiff/gradient.ts";
import { input, mul, sum } from "../graph/ops.ts";
import { rows, type Shape, type Tensor, tensor } from "../math/tensor.ts";
import type { Program, Runtime } from "../runtime/runtime.ts";
import { padded, paddedSize } from "./batch-size.ts";
import type { ImportedNetwork } from "./imported.ts";

/** Any differentiable function of arrays that a file holds: what a property about its outputs is checked on. */
export interface Network {
  readonly inputs: readonly { readonly name: string; readonly shape: Shape }[];
  /** [batch, ...input] → [batch, outputs]. */
  outputs(x: Tensor): Promise<Tensor>;
  /** Outputs, and Σ weights·∂outputs/∂x per row: weights [batch, outputs] → gradient as x. */
  vectorJacobian(
    x: Tensor,
    weights: Tensor,
  ): Promise<{ readonly outputs: Tensor; readonly gradient: Tensor }>;
  release(): Promise<void>;
}

/** An imported file, compiled for each batch size that is asked for. */
export function network(runtime: Runtime, imported: ImportedNetwork): Network {
  const { inputShape, classes, name, fixedBatch = null } = imported;
  const programs = new Map<string, Promise<Program>>();
  const sizes: number[] = fixedBatch === null ? [] : [fixedBatch];
  function program(size: number, differentiated: boolean): Promise<Program> {
    const key = `${size}:${differentiated}`;
    const made = programs.get(key) ?? make(size, differentiated);
    programs.set(key, made);
    return made;
  }
  function make(size: number, differentiated: boolean): Promise<Program> {
    const x = input("x", [size, ...inputShape]);
    const outputs = imported.forward(x, () => x, "frozen").logits;
    if (!differentiated) return runtime.compile({ outputs });
    const [dx] = gradient(sum(mul(outputs, input("weights", [size, classes]))), [x]);
    return runtime.compile({ outputs, gradient: dx });
  }
  async function run(x: Tensor, weights: Tensor | null) {
    const batch = x.shape[0];
    const size = fixedBatch ?? paddedSize(batch, sizes);
    if (!sizes.includes(size)) sizes.push(size);
    const compiled = await program(size, weights !== null);
    const found = { outputs: tensor([batch, classes]), gradient: tensor(x.shape) };
    for (let from = 0; from < batch; from += size) {
      const to = Math.min(from + size, batch);
      const part = (v: Tensor) => padded(rows(v, from, to), size);
      const fed = { x: part(x), ...(weights !== null && { weights: part(weights) }) };
      const results = await compiled.run(fed);
      for (const key of ["outputs", "gradient"] as const)
        if (results[key] !== undefined) {
          const row = found[key].data.length / batch;
          const kept = (results[key] as Tensor).data.subarray(0, (to - from) * row);
          found[key].data.set(kept, from * row);
        }
    }
    return found;
  }
  return {
    inputs: [{ name, shape: inputShape }],
    outputs: async (x) => (await run(x, null)).outputs,
    vectorJacobian: run,
    async release() {
      const all = await Promise.all(programs.values());
      programs.clear();
      await Promise.all(all.map((one) => one.release()));
    },
  };
}
