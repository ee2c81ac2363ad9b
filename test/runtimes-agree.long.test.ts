// The reference interpreter, onnxruntime-node and onnxruntime-web give the same numbers for every operator,
// through the plain lowering, and for networks with their gradients.
import { beforeAll, describe, expect, it } from "vitest";
import { gradient } from "../src/engine/autodiff/gradient.ts";
import { rules } from "../src/engine/autodiff/rules.ts";
import * as g from "../src/engine/graph/expressions.ts";
import { interpret } from "../src/engine/graph/interpret.ts";
import { type Op, topological, type Value } from "../src/engine/graph/value.ts";
import { nodeRuntime } from "../src/engine/runtime/node.ts";
import type { Runtime } from "../src/engine/runtime/runtime.ts";
import { webRuntime } from "../src/engine/runtime/web.ts";
import { crossEntropy } from "../src/losses/ce.ts";
import { architecture } from "../src/models/architectures.ts";
import { initialParameters } from "../src/models/initial.ts";
import { difference, named, random } from "./fixtures/graph-cases.ts";

const runtimes: Record<string, Runtime> = {};
beforeAll(async () => {
  runtimes.node = await nodeRuntime();
  runtimes.web = await webRuntime();
});

describe.each(["node", "web"])("onnxruntime-%s agrees with the interpreter:", (engine) => {
  it.each(named)("$name", async ({ f, shapes }) => {
    const y = f(...shapes.map((shape, i) => g.input(`x${i}`, shape)));
    const feeds = Object.fromEntries(shapes.map((shape, i) => [`x${i}`, random(shape, i)]));
    const program = await runtimes[engine].compile({ y });
    const result = await program.run(feeds);
    await program.release();
    expect(difference(result.y, interpret([y], feeds)[0])).toBeLessThan(2e-6);
  });

  it.each(["cnn-small", "wrn-10-1"])(
    "%s with the gradients of its loss, in both modes",
    async (name) => {
      const size = { shape: [3, 8, 8], classes: 4, mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] };
      const model = architecture(name, size);
      const parameters = initialParameters(model);
      const feeds = { x: random([3, 3, 8, 8], 1), y: random([3, 4], 2), ...parameters };
      for (const mode of ["frozen", "batch"] as const) {
        const inputs = Object.fromEntries(
          Object.entries(feeds).map(([key, { shape }]) => [key, g.input(key, shape)]),
        );
        const forward = model.forward(inputs.x, (key) => inputs[key], mode);
        const trained = model.parameters.filter(({ trainable }) => trainable);
        const wrt = ["x", ...trained.map((spec) => spec.name)];
        const loss = g.sum(crossEntropy(forward.logits, inputs.y));
        const gradients = gradient(
          loss,
          wrt.map((key) => inputs[key]),
        );
        const outputs: Record<string, Value> = {
          loss,
          logits: forward.logits,
          ...forward.statistics,
        };
        for (const [i, key] of wrt.entries()) outputs[`d ${key}`] = gradients[i];
        const program = await runtimes[engine].compile(outputs);
        const results = await program.run(feeds);
        await program.release();
        const expected = interpret(Object.values(outputs), feeds);
        for (const [i, key] of Object.keys(outputs).entries())
          expect(difference(results[key], expected[i]), `${mode} ${key}`).toBeLessThan(2e-4);
      }
    },
  );
});

it("covers every source operator", () => {
  const covered = new Set<Op>(["Constant"]);
  for (const { f, shapes } of named)
    for (const { op } of topological<Value>([f(...shapes.map((s, i) => g.input(`x${i}`, s)))]))
      covered.add(op);
  const all = Object.keys(rules) as Op[];
  expect(all.filter((op) => !covered.has(op))).toEqual([]);
});
