import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { afterAll, describe, expect, it } from "vitest";
import { nodeOf, onnxFile } from "../../test/fixtures/model-fixture.ts";
import { typed } from "../../test/fixtures/typed-fixture.ts";
import { openDatasetInNode } from "../data/node.ts";
import { defineDefense } from "../defenses/define-defense.ts";
import { readModel } from "../engine/onnx/model.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { trainFileInNode } from "../harden/node.ts";
import { uniform } from "../math/distributions.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { type NdArray, tensor } from "../math/tensor.ts";
import { classifier } from "../models/classifier.ts";
import { openModelInNode } from "../models/opening/node.ts";
import { use } from "../plugins/use.ts";

const folder = mkdtempSync(join(tmpdir(), "rampart-harden-"));
afterAll(() => rmSync(folder, { recursive: true }));
let made = 0;
const place = () => join(folder, `run ${made++}`);

const random = (shape: readonly number[], seed: number, scale: number) => {
  const { data } = uniform([keyOf(seed)], [1, ...shape], -scale, scale);
  return tensor(shape, data);
};

/** A small network for images [3, 32, 32]. */
function network(
  classes: number,
  more: Readonly<Record<string, NdArray>> = {},
  activation = "Relu",
): Uint8Array {
  return onnxFile(
    [
      nodeOf("Conv", ["x", "w", "b"], ["c"], { strides: { ints: [4, 4] } }),
      nodeOf("BatchNormalization", ["c", "scale", "shift", "mean", "variance"], ["n"]),
      nodeOf(activation, ["n"], ["r"]),
      nodeOf("GlobalAveragePool", ["r"], ["p"]),
      nodeOf("Flatten", ["p"], ["f"]),
      nodeOf("Gemm", ["f", "v", "d"], ["z"], { transB: { int: 1 } }),
    ],
    {
      inputs: { x: ["n", 3, 32, 32] },
      outputs: { z: ["n", classes] },
      arrays: Object.assign(
        {
          w: random([8, 3, 4, 4], 1, 0.3),
          b: random([8], 2, 0.1),
          scale: tensor([8], new Float32Array(8).fill(1)),
          shift: tensor([8]),
          mean: tensor([8]),
          variance: tensor([8], new Float32Array(8).fill(0.5)),
          v: random([classes, 8], 3, 0.5),
          d: tensor([classes]),
        },
        more,
      ),
    },
  );
}

const file = join(folder, "model.onnx");
writeFileSync(file, network(10));
const tiny = "--examples 64 --batch 16 --epochs 1 --steps 1 --threads 1".split(" ");
const harden = (model: string, out: string, ...more: string[]) =>
  typed([
    "harden",
    model,
    "--data",
    "shapes",
    "--defense",
    "at-linf",
    ...tiny,
    "--test-examples",
    "2",
    "--validation",
    "8",
    "--out",
    out,
    ...more,
  ]);

describe("rampart harden", () => {
  it("writes the user's own file with other weights, and a report of before and after", async () => {
    const out = place();
    const more = ["--epsilon-linf", "0.002", "--rate", "0.1", "--epochs", "6", "--examples", "256"];
    const { code, out: printed } = await harden(file, out, ...more);
    expect(code).toBe(0);
    expect(printed).toContain("under attack in ℓ∞ 0.002 or ℓ2 0.83");
    expect(printed).toContain("before: model.onnx on shapes\nafter:  model.onnx on shapes\n");
    const report = readFileSync(join(out, "report.html"), "utf8");
    expect(report).toContain("<title>model.onnx before and after hardening</title>");
    expect(report).toContain("<code>rampart harden ");
    expect(report).not.toContain("model.onnx (");
    expect(report).not.toContain("What is missing");
    expect(readdirSync(out)).toEqual(
      expect.arrayContaining(["before.jsonl", "after.jsonl", "report.html"]),
    );
    const [before, after] = [file, join(out, "model.onnx")].map((path) =>
      readModel(readFileSync(path)),
    );
    expect(Object.keys(after.metadata)).toEqual(["rampart.hardened"]);
    const changed = (after.proto.graph?.initializer ?? []).flatMap((array, i) => {
      const old = before.proto.graph?.initializer[i];
      if (Buffer.from(array.rawData).equals(Buffer.from(old?.rawData ?? []))) return [];
      array.rawData = old?.rawData ?? array.rawData;
      return [array.name];
    });
    expect(changed).toEqual(["w", "b", "scale", "shift", "v", "d"]);
    after.proto.metadataProps.length = 0;
    expect(after.proto).toEqual(before.proto);

    // The runtime without us, on the file, against the model that `evaluate` opens in the run directory.
    const { test } = await openDatasetInNode("shapes");
    const images = test.images([0, 1, 2]);
    const session = await ort.InferenceSession.create(join(out, "model.onnx"));
    const { z } = await session.run({ x: new ort.Tensor("float32", images.data, [3, 3, 32, 32]) });
    const opened = await openModelInNode(out);
    const ours = classifier(
      await nodeRuntime({ threads: 1 }),
      opened.architecture,
      opened.parameters,
    );
    const { data } = await ours.logits(images, keysFor(keyOf(0), [0, 1, 2]));
    await ours.release();
    Array.from(z.data as Float32Array).forEach((value, i) => {
      expect(Math.abs(value - data[i])).toBeLessThan(1e-5);
    });
    expect(opened.defense).toBe("at-linf");
  });

  it("interrupted and resumed, gives the same file to the bit", async () => {
    const runtime = await nodeRuntime({ threads: 1 });
    const options = {
      defense: "at-linf",
      data: "shapes",
      examples: 64,
      batch: 16,
      epochs: 2,
      steps: 1,
      validation: 8,
    };
    const run = async (out: string, stopAt: number) => {
      const interrupt = new AbortController();
      const where = { path: file, out, runtime, signal: interrupt.signal };
      for await (const event of trainFileInNode(options, where))
        if (event.event === "step" && event.step === stopAt) interrupt.abort();
      for await (const _ of trainFileInNode(options, { path: file, out, runtime, resume: true }));
      return readFileSync(join(out, "model.onnx"));
    };
    expect(await run(place(), 3)).toEqual(await run(place(), 6));
  });

  it("a run that diverges is compared at its best checkpoint, with exit code 2, and can continue", async () => {
    let batches = 0;
    use(
      defineDefense({
        name: "breaking-once",
        source: "this test",
        make: () => ({
          objective: {
            name: "breaking-once",
            examples: async (_, x) =>
              ++batches === 15
                ? tensor(
                    x.shape,
                    x.data.map(() => 3e38),
                  )
                : x,
          },
        }),
      }),
    );
    const out = place();
    const more = [
      "--defense",
      "breaking-once",
      "--rate",
      "0.1",
      "--epochs",
      "40",
      "--validation",
      "64",
    ];
    const first = await harden(file, out, ...more);
    expect([first.code, first.err]).toEqual([
      2,
      expect.stringMatching(/model is the best checkpoint before that, .*step-\d+/),
    ]);
    expect(first.out).toContain("wrote");
    expect(readdirSync(out)).toEqual(expect.arrayContaining(["model.onnx", "report.html"]));
    const kept = readFileSync(join(out, "model.onnx"));
    expect((await openModelInNode(out)).defense).toBe("breaking-once");
    const rest = await harden(file, out, ...more, "--resume");
    expect([rest.code, rest.out.includes("wrote")]).toEqual([0, true]);
    expect(readFileSync(join(out, "model.onnx")).equals(kept)).toBe(false);
  });

  it.each([
    ["a file", file, "unknown"],
    ["a file of Rampart", join("src/lab/public/networks", "shapes-standard.onnx"), "standard"],
  ])(
    "leaves %s as it is if no checkpoint is better, without a defence, and says so",
    async (_, path, defense) => {
      const out = place();
      const { code, err, out: printed } = await harden(path, out, "--rate", "1e-20");
      expect([code, err]).toEqual([0, expect.stringContaining("no checkpoint was better")]);
      expect(printed).toContain("whose weights are unchanged");
      const written = join(out, "model.onnx");
      expect(readFileSync(written)).toEqual(readFileSync(path));
      for (const one of [out, written]) expect((await openModelInNode(one)).defense).toBe(defense);
      const report = readFileSync(join(out, "report.html"), "utf8");
      expect(report).toContain("those before it, unchanged");
      expect(report).not.toContain(">at-linf");
      expect(report).not.toContain("What is missing");
    },
  );

  it("interrupted before --minutes has its length, writes no run of a wrong one", async () => {
    const out = place();
    const options = { defense: "at-linf", data: "shapes", batch: 16, steps: 1, validation: 8 };
    const runtime = await nodeRuntime({ threads: 1 });
    const notes: string[] = [];
    const events = trainFileInNode(options, {
      path: file,
      out,
      runtime,
      minutes: 1,
      signal: AbortSignal.abort(),
      note: ({ text }) => notes.push(text),
    });
    await expect(events.next()).rejects.toMatchObject({ name: "AbortError" });
    expect(existsSync(out)).toBe(false);
    expect(notes.at(-1)).toContain("nothing is written");
  });

  it("interrupted before a better checkpoint, writes no model, and says what to do", async () => {
    const out = place();
    const interrupt = new AbortController();
    const options = { defense: "at-linf", data: "shapes", examples: 64, batch: 16, steps: 1 };
    const runtime = await nodeRuntime({ threads: 1 });
    const where = { path: file, out, runtime, signal: interrupt.signal };
    for await (const event of trainFileInNode(Object.assign({ validation: 8 }, options), where))
      if (event.event === "step") interrupt.abort();
    await expect(openModelInNode(out)).rejects.toMatchObject({
      code: "not-found",
      message: expect.stringContaining("resume it first"),
    });
  });

  it("goes on with a finished run, and refuses another file in its place", async () => {
    const out = place();
    await harden(file, out);
    const again = await harden(file, out, "--resume");
    expect([again.code, again.out.includes("wrote")]).toEqual([0, true]);
    const other = join(folder, "other.onnx");
    writeFileSync(other, network(10, { b: tensor([8]) }));
    const refused = await harden(other, out, "--resume");
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining("is not the file")]);
  });

  it("ends with exit code 2 and the last good checkpoint if the loss is not finite", async () => {
    const { code, err } = await harden(file, place(), "--rate", "1e30", "--epochs", "2");
    expect(code).toBe(2);
    expect(err).toMatch(/last good checkpoint is/);
  });

  it.each([
    ["outputs that are not the data's classes", network(7), [], "7 outputs"],
    ["fewer images than a batch", network(10), ["--batch", "100"], "fewer than a batch of 100"],
    ["a radius above the image range", network(10), ["--epsilon-linf", "8"], "8/255"],
    [
      "an l2 radius above that of all images",
      network(10),
      ["--defense", "at-l2", "--epsilon-l2", "500"],
      "500",
    ],
    [
      "an operator without bounds for certified training",
      network(10, {}, "Sin"),
      ["--defense", "ibp"],
      "operator Sin",
    ],
    ["two lengths of training", network(10), ["--minutes", "3"], "--minutes and --epochs"],
  ])("refuses %s with exit code 2, before a run is written", async (_, bytes, more, message) => {
    const path = join(folder, `refused ${made++}.onnx`);
    writeFileSync(path, bytes);
    const out = place();
    const { code, err } = await harden(path, out, ...more);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
    expect(existsSync(join(out, "config.json"))).toBe(false);
  });
});
