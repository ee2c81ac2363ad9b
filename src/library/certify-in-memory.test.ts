import { afterAll, beforeAll, expect, it } from "vitest";
import * as fixture from "../../test/fixtures/audit-fixture.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import * as core from "../index.ts";
import * as node from "../node.ts";

const data = `npz:${fixture.data}`;
let device: Runtime;
let dataset: core.Dataset;
let path: string;
let model: core.OpenModel;

beforeAll(async () => {
  device = await node.nodeRuntime({ threads: 1 });
  const images = core.tensor([fixture.count, 1, 4, 4], fixture.pixels);
  const classes = ["0", "1", "2", "3"];
  dataset = core.imageDataset({ images, labels: fixture.labels, classes, name: data });
  path = fixture.network("quarters");
  model = await node.openModel(path);
});

afterAll(fixture.removeFolder);

const options = { noise: "normal:0.1", n: 300, n0: 20, examples: 4, sampling: "naive" } as const;
const timeless = (rows: readonly core.CertificateRow[]) =>
  rows.map((row) => Object.assign({}, row, { seconds: 0 }));

it("certify in memory gives the rows of rampart/node, and a storage or file goes on with them", async () => {
  const out = core.memoryStorage("memory");
  const rows = await core.certify(model, { ...options, data: dataset, device, out });
  const file = `${fixture.place()}.jsonl`;
  const expected = await node.certify(path, { ...options, data, device, out: file });
  expect(timeless(rows)).toEqual(timeless(expected));
  expect(rows).toHaveLength(4);
  const more = { ...options, examples: 6, resume: true, device };
  const longer = await core.certify(model, { ...more, data: dataset, out });
  expect(longer.slice(0, 4)).toEqual(rows);
  expect(timeless(await node.certify(path, { ...more, data, out: file }))).toEqual(
    timeless(longer),
  );
  expect(core.certifiedShares(rows, ["l2"], [0])[0].of).toBe(4);
});

it("predict has the classes of the smoothed classifier, without radii", async () => {
  const rows = await core.predict(model, { ...options, data: dataset, device });
  const certified = await core.certify(model, { ...options, data: dataset, device });
  const both = rows.filter(
    ({ prediction }, i) => prediction !== null && certified[i].prediction !== null,
  );
  expect(both.length).toBeGreaterThan(1);
  rows.forEach(({ prediction, radius, n0, components }, i) => {
    if (prediction !== null && certified[i].prediction !== null)
      expect(prediction).toBe(certified[i].prediction);
    expect(radius).toEqual({ l2: 0, l1: 0, linf: 0 });
    expect([n0, components[0].n]).toEqual([0, 300]);
  });
});

it("a signal stops the call, and the rows so far are kept", async () => {
  const out = core.memoryStorage("memory");
  const stop = new AbortController();
  const call = core.certify(model, {
    ...options,
    data: dataset,
    device,
    out,
    signal: stop.signal,
    onEvent: ({ event }) => event === "row" && stop.abort(new Error("enough")),
  });
  await expect(call).rejects.toThrow("enough");
  const text = new TextDecoder().decode(await out.read("rows.jsonl"));
  expect(text.trim().split("\n")).toHaveLength(1);
});

it.each([
  [{ noise: "generalized-normal" }, "no certificate is known"],
  [{ examplse: 3 }, "did you mean examples?"],
  [{ n: 1 }, "n must be an integer of at least 2"],
  [{ target: 0.5 }, "add --sequential"],
  [{ predict: true, sequential: true, target: 0.5 }, "leave one of them out"],
])("a wrong call with %o is a UsageError", async (wrong, message) => {
  const call = core.certify(model, Object.assign({ data: dataset, device }, options, wrong));
  await expect(call).rejects.toThrow(message);
  await expect(call).rejects.toBeInstanceOf(core.UsageError);
});

it("certifies and predicts one image with any function that has logits", async () => {
  const smoothed = {
    network: {
      logits: async (x: core.Tensor) =>
        core.tensor(
          [x.shape[0], 2],
          [...x.data].flatMap((value) => [0, value - 0.3]),
        ),
    },
    shape: [1, 1, 1],
    classes: 2,
    noise: "normal:0.25",
    sampling: "sound",
    batch: 100,
  } as const;
  const image = Float32Array.of(204 / 255);
  const { prediction, radius } = await core.certifyImage(smoothed, image, core.keyOf(0), {
    n0: 100,
    n: 1000,
    alpha: 0.001,
  });
  expect(prediction).toBe(1);
  // The exact radius is the distance to 0.3.
  expect(radius.l2).toBeLessThan(0.5);
  expect(radius.l2).toBeGreaterThan(0.35);
  expect(radius.l2).toBeLessThanOrEqual(core.normalL2(core.lowerBound(1000, 1000, 0.001), 0.25));
  const { prediction: predicted } = await core.predictImage(smoothed, image, core.keyOf(0), {
    n: 100,
    alpha: 0.001,
  });
  expect(predicted).toBe(1);
});
