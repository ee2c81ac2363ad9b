// Operators without an official test, against the kernels of ONNX Runtime on the same file.

import { describe, expect, it } from "vitest";
import * as g from "../src/engine/graph/expressions.ts";
import { BLOCKED } from "../src/engine/onnx/import/blocked-weights.ts";
import { importGraph } from "../src/engine/onnx/import/import-graph.ts";
import { importers } from "../src/engine/onnx/import/importers.ts";
import { quantisers } from "../src/engine/onnx/import/quantisers.ts";
import { readModel } from "../src/engine/onnx/model.ts";
import { nodeProgram, nodeRuntime } from "../src/engine/runtime/node.ts";
import type { NdArray } from "../src/math/tensor.ts";
import { nodeOf, onnxFile } from "./fixtures/model-fixture.ts";
import { agreeCases as cases } from "./fixtures/onnx-agree-cases.ts";
import { archivePath, firstDifference, nodesOf, readCases } from "./fixtures/onnx-cases.ts";
import { slopes } from "./fixtures/onnx-slopes.ts";

const runtime = await nodeRuntime({ threads: 1 });

describe("agrees with ONNX Runtime:", () => {
  it.each(cases)(
    "$name",
    async ({ op, x, arrays, attributes, domain, opset, outputs = 1, before = [], ...more }) => {
      const stored = Object.fromEntries(
        arrays.flatMap((array, i) => (array === null ? [] : [[`a${i}`, array]])),
      );
      const names = arrays.map((array, i) => (array === null ? "" : `a${i}`));
      const results = Array.from({ length: outputs }, (_, i) => `y${i}`);
      const inputs = more.inputs ?? (before.length === 0 ? ["x", ...names] : ["p", "q"]);
      const node = nodeOf(op, inputs, results, attributes, domain === undefined ? {} : { domain });
      const file = onnxFile([...before, node], {
        inputs: { x: x.shape },
        inputTypes: { x: x.dtype },
        outputs: Object.fromEntries(results.map((name) => [name, null])),
        arrays: stored,
        opset,
      });
      const stock = await nodeProgram(file, { threads: 1 });
      const expected = await stock.run({ x });
      await stock.release();

      const model = readModel(file);
      const [{ dtype }] = model.inputs;
      const fromX = g.input("x", x.shape, dtype);
      const imported = importGraph(model, { x: fromX }).outputs;
      const program = await runtime.compile(imported);
      const whole = Int32Array.from(x.data as ArrayLike<number>, Number);
      const fed = dtype === x.dtype ? x : ({ dtype, shape: x.shape, data: whole } as NdArray);
      const found = await program.run({ x: fed });
      await program.release();
      const slope = more.sloped ? slopes(imported, { x: fromX }, { x: fed }) : null;
      if (slope !== null)
        expect(Math.abs(slope.computed - slope.measured)).toBeLessThan(
          0.02 * Math.max(1, Math.abs(slope.measured)),
        );
      for (const name of results) {
        const [ours, theirs] = [found[name], expected[name]];
        // A sum in another order may round to the neighbouring integer.
        const distances = Array.from(ours.data as ArrayLike<number>, (v, i) =>
          Math.abs(Number(v) - Number(theirs.data[i])),
        );
        const isNear = theirs.dtype === "uint8" && distances.every((distance) => distance <= 1);
        if (!isNear) expect(firstDifference(ours, theirs)).toBeUndefined();
      }
    },
  );
});

const archive = archivePath();

/** Operators without a CPU kernel, or whose result is no array. */
const untested: string[] = ["QLinearReduceMean", "BiasAdd", "ZipMap"];

it.skipIf(archive === undefined)(
  "every operator with an importer is tested here or by the official archive",
  async () => {
    const tested = new Set(cases.map(({ op }) => op));
    for (const { model, name } of await readCases(archive ?? ""))
      if (!name.startsWith("simple/")) for (const { opType } of nodesOf(model)) tested.add(opType);
    // Blocked memory is tested with whole files (onnx-optimised.long.test.ts). The tests beside the importers cover loops,
    // sequences, optional values and quantisers of QONNX.
    const all = Object.entries(importers).flatMap(([domain, table]) =>
      domain === BLOCKED || table === quantisers
        ? []
        : Object.keys(table).filter((op) => !/^(Loop|Scan|.*Sequence.*|Optional.*)$/.test(op)),
    );
    expect([...new Set(all)].filter((op) => !tested.has(op))).toEqual(untested);
  },
);
