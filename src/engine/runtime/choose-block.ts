// Detects the size of an engine's blocks by running it: ONNX Runtime has blocked operators on some processors only, and
// their block size depends on the processor.

import type { NdArray } from "../../math/tensor.ts";
import type { Lowered } from "../graph/lowered.ts";
import { input, relu } from "../graph/ops.ts";
import { conv, convInputGradient, convWeightGradient } from "../graph/windows.ts";
import { writeOnnx } from "../onnx/export/write-onnx.ts";
import { compiler } from "./compiler.ts";
import { blockedLowering, type Lowering, plainLowering } from "./lowerings.ts";
import { random } from "./probe.ts";
import { type Engine, sessionProgram } from "./session.ts";

/**
 * Channels per block, 8 or 16; null if the engine has no blocked operators. Reorders 0, 1, 2, … of shape [1, 32, 1, 2] into
 * [block, row, column, channel of the block]: element 1, the second column of channel 0, ends up behind one block.
 */
async function blockSize<T>(engine: Engine<T>): Promise<number | null> {
  const shape = [1, 32, 1, 2];
  const node = (op: string, inputs: readonly Lowered[], attrs: object) =>
    ({ op, inputs, attrs, dtype: "float32", shape }) as unknown as Lowered;
  const reordered = node("ReorderInput", [node("Input", [], { name: "x" })], {});
  try {
    const program = sessionProgram(engine, await engine.open(writeOnnx({ y: reordered })));
    const data = Float32Array.from({ length: 64 }, (_, i) => i);
    const { y } = await program.run({ x: { dtype: "float32", shape, data } });
    await program.release();
    const block = (y.data as Float32Array).indexOf(1);
    return block === 8 || block === 16 ? block : null;
  } catch {
    return null;
  }
}

/** A network of three convolutions, with its gradients by the images and by all weights. */
function testGraph() {
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
  const feeds = Object.fromEntries(
    [x, w, u, v].map(({ shape }, i) => ["xwuv"[i], random(shape, i)] as const),
  );
  return { outputs: { y, dx, dw, du, dv }, feeds };
}

/** Whether a lowering gives the results of the plain one, with an error up to 1e-4 of an output's largest value. */
async function agreesWithPlain<T>(engine: Engine<T>, lowering: Lowering): Promise<boolean> {
  const { outputs, feeds } = testGraph();
  try {
    const results: Readonly<Record<string, NdArray>>[] = [];
    for (const each of [plainLowering, lowering]) {
      const program = await compiler(engine, each)(outputs);
      results.push(await program.run(feeds));
      await program.release();
    }
    return Object.keys(outputs).every((name) => {
      const [expected, actual] = results.map((result) => result[name].data as Float32Array);
      const scale = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
      return expected.every((value, i) => Math.abs(value - actual[i]) <= 1e-4 * scale);
    });
  } catch {
    return false;
  }
}

/** Channels per block of the engine; null if it has no blocks, or if the blocked lowering gives wrong results there. */
export async function chooseBlock<T>(engine: Engine<T>): Promise<number | null> {
  const block = await blockSize(engine);
  if (block === null) return null;
  // A break-even of one channel makes the network use every form of convolution, including Winograd's.
  const lowering = blockedLowering(block, { images: 1, weights: 1 });
  return (await agreesWithPlain(engine, lowering)) ? block : null;
}
