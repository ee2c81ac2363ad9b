// Third-party files before and after `rampart harden`: a comparison field by field.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType,
} from "onnx-buf";
import { afterAll, describe, expect, it } from "vitest";
import { type Tensor, tensor } from "../src/math/tensor.ts";
import {
  changedNumbers,
  changesOf,
  disagreement,
  entryAfter,
  hardened,
  imagesOfOneClass,
  randomImages,
} from "./fixtures/hardened-file.ts";
import { typed } from "./fixtures/typed-fixture.ts";

const place = join(process.env.RAMPART_DATA ?? "", "onnx");
const folder = mkdtempSync(join(tmpdir(), "rampart-harden-files-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Case {
  readonly file: string;
  /** Of an image, [channel, height, width]. */
  readonly shape: readonly number[];
  /** Whether the file wants [height, width, channel]. */
  readonly isChannelsLast?: boolean;
  /** Whether the last operator is a softmax. */
  readonly endsInSoftmax?: boolean;
  /** Number of trained arrays. */
  readonly count: number;
}

const cases: readonly Case[] = [
  // PyTorch 1.6: 21 Conv, a scale and a shift of each batch norm, and Gemm.
  { file: "onnc_resnet20.onnx", shape: [3, 32, 32], count: 21 + 2 * 21 + 2 },
  // tf2onnx: 11 Conv with a bias.
  {
    file: "squeezenet_cifar10.onnx",
    shape: [3, 32, 32],
    isChannelsLast: true,
    endsInSoftmax: true,
    count: 22,
  },
  // CNTK: 2 Conv and a MatMul, with an Add behind each.
  { file: "mnist_cntk.onnx", shape: [1, 28, 28], count: 6 },
  // PaddlePaddle: weights in Constant nodes, depthwise convolutions.
  {
    file: "ch_ppocr_mobile_v2.0_cls.onnx",
    shape: [3, 48, 64],
    endsInSoftmax: true,
    count: 143,
  },
];

/** [n, channel, height, width] as [n, height, width, channel]. */
function channelsLast({ shape: [n, channels, height, width], data }: Tensor): Tensor {
  const area = height * width;
  const moved = data.map((_, i) => {
    const [pixel, channel] = [Math.floor(i / channels), i % channels];
    const [image, inside] = [Math.floor(pixel / area), pixel % area];
    return data[(image * channels + channel) * area + inside];
  });
  return tensor([n, height, width, channels], moved);
}

/** Moves the float32 initializers of a file into a file beside it, each at a multiple of 64 bytes. */
function withExternalData(bytes: Uint8Array, location: string) {
  const model = fromBinary(ModelProtoSchema, bytes);
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const one of model.graph?.initializer ?? []) {
    if (one.dataType !== TensorProto_DataType.FLOAT) continue;
    // CNTK stores a list of numbers.
    const isRaw = one.rawData.length > 0;
    const content = isRaw ? one.rawData : new Uint8Array(Float32Array.from(one.floatData).buffer);
    const { length } = content;
    const entries = { location, offset: `${offset}`, length: `${length}` };
    one.externalData = Object.entries(entries).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    );
    one.dataLocation = TensorProto_DataLocation.EXTERNAL;
    parts.push(content, new Uint8Array(-length & 63).fill(7));
    offset += length + (-length & 63);
    one.rawData = new Uint8Array(0);
    one.floatData = [];
  }
  return { bytes: toBinary(ModelProtoSchema, model), weights: Buffer.concat(parts) };
}

describe.skipIf(!existsSync(place))(
  "a third-party file, hardened (skipped where RAMPART_DATA holds no onnx/):",
  () => {
    it.each(cases)(
      "$file: only the numbers of trained arrays differ",
      async ({ file, shape, count, isChannelsLast = false, endsInSoftmax = false }) => {
        const original = join(place, file);
        const images = join(folder, `${file}.npz`);
        const ordered = (pixels: Tensor) => (isChannelsLast ? channelsLast(pixels) : pixels);
        const inputShape = ordered(randomImages(1, 1, shape)).shape.slice(1);
        writeFileSync(images, await imagesOfOneClass(original, shape, inputShape));
        const out = join(folder, file);
        await hardened(original, `npz:${images}`, out);
        const [before, after] = [original, join(out, "model.onnx")].map((path) =>
          readFileSync(path),
        );
        const { arrays, other } = changesOf(before, after);
        expect(other).toEqual(entryAfter(0));
        expect(arrays).toHaveLength(count);
        for (const { changed, numbers } of arrays) expect(changed / numbers).toBeGreaterThan(0.9);
        const pixels = randomImages(3, 4, shape);
        const fed = ordered(pixels);
        expect(await disagreement(out, pixels, { fed, endsInSoftmax })).toBeLessThan(1e-5);
      },
      300_000,
    );

    it("a file with external data keeps its layout: only numbers in the file beside it differ", async () => {
      const shape = [1, 28, 28];
      const given = join(folder, "given");
      mkdirSync(given);
      const original = join(given, "model.onnx");
      const { bytes, weights } = withExternalData(
        readFileSync(join(place, "mnist_cntk.onnx")),
        "weights.bin",
      );
      writeFileSync(original, bytes);
      writeFileSync(join(given, "weights.bin"), weights);
      const images = join(folder, "external.npz");
      writeFileSync(images, await imagesOfOneClass(original, shape));
      const out = join(folder, "external");
      await hardened(original, `npz:${images}`, out);
      expect(changesOf(bytes, readFileSync(join(out, "model.onnx")))).toEqual({
        arrays: [],
        other: entryAfter(0),
      });
      expect(readFileSync(join(given, "weights.bin")).equals(weights)).toBe(true);
      const written = readFileSync(join(out, "weights.bin"));
      expect(written).toHaveLength(weights.length);
      // The bytes between the arrays stay.
      const trained = 2560 + 3200 + 200 + 8 + 16 + 10;
      const changed = changedNumbers(weights, written, 4);
      expect(changed).toBeGreaterThan(0.9 * trained);
      expect(changed).toBeLessThanOrEqual(trained);
      expect(await disagreement(out, randomImages(3, 4, shape))).toBeLessThan(1e-5);
    });

    it("a file that no other batch size fits is refused before a run is written", async () => {
      const file = join(place, "marabou_self-attention-mnist-pgd-medium-sim.onnx");
      const images = join(folder, "refused.npz");
      writeFileSync(images, await imagesOfOneClass(file, [1, 28, 28], [28, 28, 1]));
      const out = join(folder, "refused");
      const words = ["harden", file, "--data", `npz:${images}`, "--defense", "e-at", "--out", out];
      const { code, err } = await typed(words);
      expect([code, err]).toEqual([2, expect.stringContaining("in batches of 1 only")]);
      expect(existsSync(out)).toBe(false);
    });
  },
);
