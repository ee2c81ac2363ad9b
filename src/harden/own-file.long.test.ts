import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { uniform } from "../math/distributions.ts";
import type { Note } from "../math/note.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { architecture } from "../models/architectures.ts";
import { classifier } from "../models/classifier.ts";
import { exportOnnx } from "../models/export.ts";
import { initialParameters } from "../models/initial.ts";
import { openModelInNode } from "../models/opening/node.ts";
import type { OpenModel } from "../models/opening/open-model.ts";
import type { TrainOptions } from "../train/options.ts";
import { trainFileInNode } from "./node.ts";

const folder = mkdtempSync(join(tmpdir(), "rampart-own-file-"));
afterAll(() => rmSync(folder, { recursive: true }));
const runtime = await nodeRuntime({ threads: 1 });

/** Exports an untrained Wide ResNet for other statistics of the pixels than those of the data set `shapes`. */
const input = { shape: [3, 32, 32], classes: 10, mean: [0.9, 0.8, 0.7], std: [0.1, 0.2, 0.3] };
const network = architecture("wrn-10-1", input);
const weights = initialParameters(network, keyOf(1));
const metadata = { defense: "at-linf", data: "cifar10", noise: null, classNames: [], input };
const file = join(folder, "own.onnx");
writeFileSync(file, exportOnnx(network, weights, metadata));
/** A file whose nodes are not those of the network that it names. */
const edited = join(folder, "edited.onnx");
const other = Object.assign({}, input, { mean: [0.1, 0.1, 0.1] });
writeFileSync(edited, exportOnnx(network, weights, Object.assign({}, metadata, { input: other })));

/** The file after one step, from the run directory and from the file in it. */
async function trained(name: string, more: Partial<TrainOptions> = {}, path = file) {
  const out = join(folder, name);
  const options = { defense: "standard", data: "shapes", examples: 16, batch: 16, epochs: 1 };
  const events = trainFileInNode(Object.assign(options, more), { path, out, runtime });
  for await (const _ of events);
  return Promise.all([out, join(out, "model.onnx")].map((one) => openModelInNode(one)));
}

/** The logits of a model for four images. */
async function logits({ architecture: of, parameters }: OpenModel) {
  const keys = keysFor(keyOf(2), [0, 1, 2, 3]);
  const one = classifier(runtime, of, parameters);
  const { data } = await one.logits(uniform(keys, [4, 3, 32, 32], 0, 1), keys);
  await one.release();
  return data;
}

/** Running statistics of a model that differ from those of the file. */
const changed = ({ architecture: of, parameters }: OpenModel) =>
  of.parameters
    .filter(({ trainable }) => !trainable)
    .filter(({ name }) => parameters[name].data.join() !== weights[name].data.join())
    .map(({ name }) => name);

describe("a file that Rampart exported, in training on other data", () => {
  it("keeps the mean and std of its first layer and its batch statistics", async () => {
    const [run, exported] = await trained("default");
    for (const { input: kept, notes = [] } of [run, exported]) {
      expect(kept).toEqual(input);
      expect(notes).toEqual([]);
    }
    expect(await logits(run)).toEqual(await logits(exported));
    expect(changed(run)).toEqual([]);
  });

  it("re-estimates its batch statistics if asked to", async () => {
    const [run] = await trained("batch", { statistics: "batch" });
    expect(changed(run)).toContain("bn.mean");
  });

  it("whose nodes were edited since, is a file as any other and names its last training", async () => {
    const [run, exported] = await trained("edited", {}, edited);
    for (const { defense, data, notes = [] } of [run, exported]) {
      expect([defense, data]).toEqual(["standard", "shapes"]);
      expect(notes.map(({ code }) => code)).toContain("graph-changed");
    }
    expect(await logits(run)).toEqual(await logits(exported));
  });

  it("and whose weights no step has improved, is still the file that it was", async () => {
    const kept = await trained("kept", { validation: 4, rate: 1e-30 }, edited);
    for (const { defense, data } of kept) expect([defense, data]).toEqual(["at-linf", "cifar10"]);
    expect(await logits(kept[0])).toEqual(await logits(kept[1]));
  });

  it("interrupted while the steps of --minutes are timed, writes no run of a wrong length", async () => {
    const out = join(folder, "interrupted");
    const notes: string[] = [];
    const signal = AbortSignal.abort();
    const note = ({ text }: Note) => void notes.push(text);
    const where = { path: file, out, runtime, minutes: 1, signal, note };
    // Its preprocessing is its own, so nothing is compared before.
    const events = trainFileInNode({ defense: "standard", data: "shapes", batch: 16 }, where);
    await expect(events.next()).rejects.toMatchObject({ name: "AbortError" });
    expect(existsSync(out)).toBe(false);
    expect(notes.at(-1)).toContain("nothing is written");
  });
});
