import { expect, it } from "vitest";
import type { Dataset, Split } from "../data/dataset.ts";
import { portableHost } from "../files/host/host.ts";
import { memoryStorage, textIfThere } from "../files/storage/storage.ts";
import { tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { lowerBound } from "./binomial.ts";
import { type Certification, certifyDataset } from "./certification.ts";
import { chosenText } from "./chosen-images.ts";
import { CertificationOptions } from "./options.ts";
import { type CertificateRow, parseCertificates } from "./row.ts";
import { certifiedShares } from "./share.ts";

const levels = [200, 40, 120, 250, 10, 180];
const split = {
  size: levels.length,
  labels: levels.map((level) => (level > 100 ? 1 : 0)),
  images: (indices: readonly number[]) =>
    tensor(
      [indices.length, 1, 1, 1],
      indices.map((index) => levels[index] / 255),
    ),
};
const dataset: Dataset = {
  name: "levels",
  shape: [1, 1, 1],
  classes: ["dark", "light"],
  mean: [0.5],
  std: [0.5],
  train: split,
  test: split,
};

function certification(given: Partial<Certification> = {}): Certification {
  return {
    model: {
      path: "model.onnx",
      name: "model.onnx",
      defense: "ni-normal",
      noise: "normal:0.25",
      weights: "abc",
      network: {
        logits: async (x) =>
          tensor(
            [x.shape[0], 2],
            [...x.data].flatMap((value) => [0, value - 0.401]),
          ),
      },
    },
    dataset: given.dataset ?? dataset,
    target: { device: "cpu" },
    out: given.out,
    resume: given.resume ?? false,
    host: portableHost,
    signal: given.signal,
    note: given.note,
  };
}

const options = (given: object = {}) =>
  CertificationOptions.parse(Object.assign({ n: 500, n0: 50, batch: 32 }, given));

async function rowsOf(given: Partial<Certification>, asked: object = {}): Promise<object[]> {
  const rows: object[] = [];
  for await (const { row } of certifyDataset(certification(given), options(asked)))
    rows.push(Object.assign({}, row, { seconds: 0 }));
  return rows;
}

/** The error of a run that is refused. */
const rejection = async (rows: Promise<unknown>): Promise<UsageError> =>
  rows.then(
    () => Promise.reject(new Error("nothing was refused")),
    (error: UsageError) => error,
  );

it("gives a row per image with the fields that were promised", async () => {
  const rows = await rowsOf({});
  expect(rows.map((row) => (row as CertificateRow).index)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(Object.keys(rows[0])).toEqual([
    "index",
    "image",
    "label",
    "prediction",
    "noise",
    "alpha",
    "n0",
    "components",
    "radius",
    "sampling",
    "runtime",
    "seconds",
  ]);
  expect(rows[0]).toMatchObject({
    label: 1,
    prediction: 1,
    noise: "normal:0.25",
    sampling: "sound",
  });
});

it("a run is not continued on other images or labels, unless the rows do not state theirs", async () => {
  const changed = (more: Partial<Split>): Dataset => {
    const test = Object.assign({}, split, more);
    return Object.assign({}, dataset, { test });
  };
  const brighter = changed({
    images: (indices) => {
      const x = split.images(indices);
      return tensor(
        x.shape,
        x.data.map((value) => value + 1 / 255),
      );
    },
  });
  const relabelled = changed({ labels: split.labels.map((label) => 1 - label) });
  const out = { storage: memoryStorage(), name: "c.jsonl" };
  const few = { examples: 2 };
  await rowsOf({ out }, few);
  const image = await rejection(rowsOf({ out, resume: true, dataset: brighter }, few));
  expect(image).toMatchObject({ code: "misfit" });
  expect(image.message).toMatch(/c\.jsonl holds rows of other images: the checksum of its image/);
  const label = await rejection(rowsOf({ out, resume: true, dataset: relabelled }, few));
  expect(label.message).toMatch(/its label is 1, but test image 0 has label 0/);
  const fewer = changed({ size: 1 });
  expect(await rowsOf({ out, resume: true, dataset: fewer }, { examples: 1 })).toHaveLength(1);
  const rows = (await textIfThere(out.storage, out.name)) ?? "";
  const older = rows.replaceAll(/"image":"\w+",/g, "").replaceAll(/,"crc":"\w+"/g, "");
  await out.storage.write(out.name, older);
  expect(await rowsOf({ out, resume: true, dataset: brighter }, few)).toHaveLength(2);
});

it("a run that is stopped and resumed has the rows of one that was not", async () => {
  const whole = await rowsOf({});
  const out = { storage: memoryStorage(), name: "cert.jsonl" };
  const stop = new AbortController();
  for await (const { done } of certifyDataset(
    certification({ out, signal: stop.signal }),
    options(),
  ))
    if (done === 2) stop.abort();
  // A line that a killed process did not finish is cut off.
  await out.storage.append(out.name, '{"index":2,"lab');
  expect(await rowsOf({ out, resume: true })).toEqual(whole);
  const text = (await textIfThere(out.storage, out.name)) ?? "";
  const { rows } = parseCertificates(out.name, text);
  expect(rows.map((row) => Object.assign({}, row, { seconds: 0 }))).toEqual(whole);
});

it("rows do not depend on how many images are certified", async () => {
  expect(await rowsOf({}, { examples: 3 })).toEqual((await rowsOf({})).slice(0, 3));
});

it("a random choice has no image twice, follows the seed, grows with examples, and gives the rows of those images", async () => {
  const all = new Map((await rowsOf({})).map((row) => [(row as CertificateRow).index, row]));
  const indicesOf = async (asked: object) => {
    const rows = (await rowsOf({}, Object.assign({ choose: "random" }, asked))) as CertificateRow[];
    if (!("seed" in asked)) for (const row of rows) expect(row).toEqual(all.get(row.index));
    return rows.map(({ index }) => index);
  };
  const three = await indicesOf({ examples: 3 });
  const six = await indicesOf({ examples: 6 });
  expect(six.slice(0, 3)).toEqual(three);
  expect(six.toSorted()).toEqual([0, 1, 2, 3, 4, 5]);
  expect(six).not.toEqual([0, 1, 2, 3, 4, 5]);
  const seeds = await Promise.all([1, 2, 3].map((seed) => indicesOf({ seed })));
  expect(new Set([six, ...seeds].map(String)).size).toBeGreaterThan(2);
  const out = { storage: memoryStorage(), name: "cert.jsonl" };
  await rowsOf({ out }, { choose: "random", examples: 2 });
  const resumed = (await rowsOf({ out, resume: true }, { choose: "random" })) as CertificateRow[];
  expect(resumed.map(({ index }) => index)).toEqual(six);
  await expect(rowsOf({ out, resume: true })).rejects.toThrow('holds rows with choose "random"');
});

it("what the images are is said, and when they say something about all images", () => {
  const first = chosenText(options({ examples: 3 }), split);
  expect(first).toContain("the first 3 of 6 test images. The bounds hold if their order is random");
  const random = chosenText(options({ examples: 3, choose: "random", seed: 7 }), split);
  expect(random).toContain("3 of 6 test images, chosen at random with --seed 7");
  expect(chosenText(options({ examples: 9 }), split)).toContain("all 6 test images");
});

it.each([{ n: 600 }, { seed: 1 }, { batch: 16 }, { noise: "normal:0.3" }, { alpha: 0.01 }])(
  "a file is not continued with %o",
  async (other) => {
    const out = { storage: memoryStorage(), name: "cert.jsonl" };
    await rowsOf({ out }, { examples: 1 });
    const [name] = Object.keys(other);
    await expect(rowsOf({ out, resume: true }, other)).rejects.toThrow(`holds rows with ${name} `);
    await expect(rowsOf({ out })).rejects.toThrow("already holds rows");
  },
);

it("a file is not continued on another runtime target, and rows state target and batch", async () => {
  const out = { storage: memoryStorage(), name: "cert.jsonl" };
  const [row] = await rowsOf({ out }, { examples: 1 });
  expect(row).toMatchObject({ runtime: { device: "cpu", batch: 32 } });
  const other = Object.assign(certification({ out, resume: true }), { target: { device: "gpu" } });
  const run = async () => {
    for await (const _ of certifyDataset(other, options()));
  };
  await expect(run()).rejects.toThrow("holds rows with target");
});

it("one image off the grid among others is enough for naive sampling", async () => {
  const at = (index: number) => (index === 2 ? 0.5 : levels[index] / 255);
  const mixed = Object.assign({}, split, {
    images: (indices: readonly number[]) => tensor([indices.length, 1, 1, 1], indices.map(at)),
  });
  const data = Object.assign({}, dataset, { test: mixed });
  const rows = await rowsOf({ dataset: data, note: () => undefined }, { examples: 3 });
  expect(rows.map((row) => (row as CertificateRow).sampling)).toEqual(Array(3).fill("naive"));
  await expect(rowsOf({ dataset: data }, { sampling: "sound" })).rejects.toThrow("image 2 of");
});

it("the bounds of all radii share β, count the radius itself, and lose α", () => {
  const row = (label: number, l2: number) =>
    ({ prediction: 1, label, alpha: 0.01, radius: { l2, l1: l2, linf: 0 } }) as CertificateRow;
  const rows = [...Array(30).fill(row(1, 0.5)), ...Array(10).fill(row(1, 0.2)), row(0, 0.9)];
  const found = certifiedShares(rows, ["l2", "l1"], [0.2, 0.5]);
  const bound = (count: number) => lowerBound(count, 41, 0.05 / 4) - 0.01;
  expect(
    found.map(({ norm, radius, certified, of, low }) => [norm, radius, certified, of, low]),
  ).toEqual([
    ["l2", 0.2, 40, 41, bound(40)],
    ["l2", 0.5, 30, 41, bound(30)],
    ["l1", 0.2, 40, 41, bound(40)],
    ["l1", 0.5, 30, 41, bound(30)],
  ]);
});

it("images off the grid are sampled naively with a note, and refused in sound mode", async () => {
  const between = Object.assign({}, split, {
    images: (indices: readonly number[]) =>
      tensor(
        [indices.length, 1, 1, 1],
        indices.map(() => 0.5),
      ),
  });
  const off = Object.assign({}, dataset, { test: between });
  const notes: string[] = [];
  const rows = await rowsOf(
    { dataset: off, note: ({ code }) => notes.push(code) },
    { examples: 1 },
  );
  expect(rows[0]).toMatchObject({ sampling: "naive" });
  expect(notes).toEqual(["warning"]);
  await expect(rowsOf({ dataset: off }, { sampling: "sound" })).rejects.toThrow(UsageError);
});

it.each([
  [{ noise: "generalized-normal" }, "no certificate is known"],
  [{ sequential: true }, "--target 0.5"],
  [{ target: 0.5 }, "add --sequential"],
  [{ alpha: 0 }, "alpha must be between 0 and 1"],
  [{ n: 1 }, "at least 2"],
])("refuses %o", async (asked, message) => {
  await expect(rowsOf({}, asked)).rejects.toThrow(message);
  await expect(rowsOf({}, asked)).rejects.toBeInstanceOf(UsageError);
});

it("refuses a second row of an image, and rows of another kind", () => {
  const line = '{"index":0,"attack":"none"}\n';
  expect(() => parseCertificates("rows.jsonl", line)).toThrow(
    "rows.jsonl:1 is not a row of rampart certify: its field label is invalid (",
  );
});

it("the statement about all images counts right and certified ones, below the sample's share", async () => {
  const rows = (await rowsOf({}, { noise: "normal:0.1" })) as CertificateRow[];
  const [at0, at3] = certifiedShares(rows, ["l2"], [0, 0.3]);
  expect(at0.of).toBe(6);
  expect(at0.certified).toBeGreaterThanOrEqual(at3.certified);
  expect(at0.low).toBeLessThan(at0.certified / 6);
  const wrong = rows.map((row) => Object.assign({}, row, { label: 1 - row.label }));
  expect(certifiedShares(wrong, ["l2"], [0])[0].certified).toBe(0);
});
