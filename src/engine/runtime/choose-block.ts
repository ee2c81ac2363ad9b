// Whether an engine has blocks is found by running it: ONNX Runtime's blocked operators exist on some processors only, and the
// size of a block depends on the processor.

import type { NdArray } from "../../math/tensor.ts";
import type { Lowered } from "../graph/lowered.ts";
import { input, relu } from "../graph/ops.ts";
import { conv, convInputGradient, convWeightGradient } from "../graph/windows.ts";
import { writeOnnx } from "../onnx/export/write.ts";
import { blockedLowering, type Lowering, plainLowering } from "./lowerings.ts";
import { random } from "./probe.ts";
import { compiler, type Engine, program } from "./session.ts";

/** How many channels the engine's blocks have, seen from where it puts the number 1; null where it knows no blocks. */
async function blockSize<T>(engine: Engine<T>): Promise<number | null> {
  const shape = [1, 32, 1, 2];
  const node = (op: string, inputs: readonly Lowered[], attrs: object) =>
    ({ op, inputs, attrs, dtype: "float32", shape }) as unknown as Lowered;
  const y = node("ReorderInput", [node("Input", [], { name: "x" })], {});
  try {
    const session = program(engine, await engine.open(writeOnnx({ y })));
    const data = Float32Array.from({ length: 64 }, (_, i) => i);
    const { y: found } = await session.run({ x: { dtype: "float32", shape, data } });
    await session.release();
    const block = (found.data as Float32Array).indexOf(1);
    return block === 8 || block === 16 ? block : null;
  } catch {
    return null;
  }
}

/** Whether a small network and its gradients come out as with the plain lowering, to 1e-4 of their largest number. */
async function agrees<T>(engine: Engine<T>, lowering: Lowering): Promise<boolean> {
  const x = input("x", [16, 3, 8, 8]);
  const w = input("w", [32, 3, 3, 3]);
  const u = input("u", [32, 32, 3, 3]);
  const v = input("v", [32, 32, 3, 3]);
  const geometry = (stride: number) => ({
    strides: [stride, stride],
    pads: [1, 1, 1, 1],
    dilations: [1, 1],
    groups: 1,
  });
  const h = relu(conv(x, w, geometry(1)));
  const k = relu(conv(h, u, geometry(1)));
  const y = conv(k, v, geometry(2));
  const dk = convInputGradient(y, v, k.shape, geometry(2));
  const dh = convInputGradient(dk, u, h.shape, geometry(1));
  const dx = convInputGradient(dh, w, x.shape, geometry(1));
  const dv = convWeightGradient(k, y, [3, 3], geometry(2));
  const du = convWeightGradient(h, dk, [3, 3], geometry(1));
  const dw = convWeightGradient(x, dh, [3, 3], geometry(1));
  const outputs = { y, dx, dw, du, dv };
  const feeds = Object.fromEntries(
    [x, w, u, v].map(({ shape }, i) => ["xwuv"[i], random(shape, i)] as const),
  );
  try {
    const results: Readonly<Record<string, NdArray>>[] = [];
    for (const each of [plainLowering, lowering]) {
      const compiled = await compiler(engine, each)(outputs);
      results.push(await compiled.run(feeds));
      await compiled.release();
    }
    return Object.keys(outputs).every((name) => {
      const [expected, got] = results.map((result) => result[name].data as Float32Array);
      const scale = expected.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
      return expected.every((value, i) => Math.abs(value - got[i]) <= 1e-4 * scale);
    });
  } catch {
    return false;
  }
}

/** The size of the engine's blocks, if what is lowered to them comes out right; else null. */
export async function chooseBlock<T>(engine: Engine<T>): Promise<number | null> {
  const block = await blockSize(engine);
  if (block === null) return null;
  // With a break-even of one channel the network has all forms of convolutions, Winograd's among them.
  const right = await agrees(engine, blockedLowering(block, { images: 1, weights: 1 }));
  return right ? block : null;
}
