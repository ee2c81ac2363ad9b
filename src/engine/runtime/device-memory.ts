import type { NdArray } from "../../math/tensor.ts";
import { input } from "../graph/ops.ts";
import { compiler } from "./compiler.ts";
import type { Lowering } from "./lowerings.ts";
import type { DeviceArray, DeviceMemory } from "./runtime.ts";
import { type Engine, encodeGraph, hostArray, OUTPUT, runSession } from "./session.ts";

/** Device memory of an engine that can leave outputs in GPU buffers. */
export function deviceMemory<T>(engine: Engine<T>, lowering: Lowering): DeviceMemory {
  const compile = compiler(engine, lowering);
  return {
    async compile(outputs, onDevice) {
      const session = await engine.open(encodeGraph(lowering.lower(outputs)), {
        onDevice: onDevice.map((name) => OUTPUT + name),
      });
      return {
        async run(feeds) {
          const hostArrays: Record<string, NdArray> = {};
          const deviceArrays: Record<string, DeviceArray> = {};
          for (const [name, tensor] of await runSession(engine, session, feeds, OUTPUT))
            if (tensor.location === "gpu-buffer")
              deviceArrays[name] = {
                dtype: tensor.type,
                shape: tensor.dims,
                tensor,
                release: () => tensor.dispose(),
              };
            else hostArrays[name] = hostArray(tensor);
          return { hostArrays, deviceArrays };
        },
        release: () => session.release(),
      };
    },
    // Copies with a program of identities: `Tensor.getData()` crashes the process in onnxruntime-node 1.30.
    async read(arrays) {
      const entries = Object.entries(arrays);
      if (entries.length === 0) return {};
      const identities = await compile(
        Object.fromEntries(
          entries.map(([name, { shape, dtype }]) => [name, input(name, shape, dtype)]),
        ),
      );
      try {
        return await identities.run(arrays);
      } finally {
        await identities.release();
      }
    },
  };
}
