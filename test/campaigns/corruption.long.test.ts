// Every format that we write and read back, with single bits flipped: refused, warned about, or the same content.
//
// Two kinds of damage leave the content as it was, and are read: fields that no reader uses (time stamps of an .npz, the
// graph of an exported model, which is built anew from its weights, the address of a download), and the name of a checksum, whose object then counts
// as one of an older version. A damaged line end leaves the last line to be finished.

import { describe, expect, it } from "vitest";
import { memoryData } from "../../src/data/data-files.ts";
import { npzBytes, parseNpz } from "../../src/data/npz.ts";
import { unofficialNotes } from "../../src/data/record.ts";
import { calibrationIn, withCalibration } from "../../src/engine/runtime/calibrations.ts";
import { readRows } from "../../src/evaluate/resumed.ts";
import { storedSettings } from "../../src/evaluate/settings.ts";
import { DamagedLine, readRowLines, rowLine } from "../../src/files/row-lines.ts";
import { sealedJson } from "../../src/files/sealed.ts";
import { crcOfText } from "../../src/math/crc32.ts";
import { fillBits, fold, keyOf, nameToNumber } from "../../src/math/random.ts";
import { tensor } from "../../src/math/tensor.ts";
import { UsageError } from "../../src/math/usage-error.ts";
import { architecture } from "../../src/models/architectures.ts";
import { exportOnnx, importExported } from "../../src/models/export.ts";
import { initialParameters } from "../../src/models/initial.ts";
import { readSafetensors, writeSafetensors } from "../../src/models/opening/safetensors.ts";

const FLIPS = process.env.SLOW === undefined ? 40 : 200;

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A format: how it is read, as text that tells any two contents apart; null where the reader warns. */
interface Format {
  readonly bytes: Uint8Array;
  read(bytes: Uint8Array): Promise<string | null> | string | null;
}

const input = { shape: [1, 8, 8], classes: 3, mean: [0.5], std: [0.25] };
const network = architecture("cnn-small", input);
const parameters = initialParameters(network);
const metadata = {
  defense: "standard",
  data: "toy",
  noise: "uniform:0.2",
  classNames: ["a", "b", "c"],
  input,
};
const rows = Array.from({ length: 20 }, (_, index) => ({
  model: "m",
  index,
  l2: index / 7,
  attack: "pgd",
}));
const settings = {
  model: { name: "m" },
  options: { steps: 20 },
  versions: {},
  target: { threads: 2 },
};
const machine = { cpu: "a processor", threads: 2, engine: "e 1" };

const artefacts = Array.from({ length: 20 }, (_, index) => ({
  index,
  steps: 50,
  found: index % 2 === 0,
  l2: index / 9,
  shares: [0.5, index / 20, 1],
}));

/** Two files of a data set, and the record of their download. */
const downloaded = { "d/a.bin": encode("images"), "d/b.bin": encode("labels") };
const sumOf = (bytes: Uint8Array) => crcOfText(decode(bytes));
const record = {
  address: "https://example.org/a.tar.gz",
  files: { "a.bin": sumOf(downloaded["d/a.bin"]), "b.bin": sumOf(downloaded["d/b.bin"]) },
};

/** Objects of the lines; a text without its last line end is a warning of its readers. */
function lines(bytes: Uint8Array): string | null {
  const { rows: read, torn } = readRowLines("r.jsonl", decode(bytes));
  if (torn !== "") return null;
  return JSON.stringify(read.map(({ value }) => Object.entries(value).slice(0, 4)));
}

const formats: Readonly<Record<string, Format>> = {
  "rows.jsonl, metrics.jsonl": { bytes: encode(rows.map(rowLine).join("")), read: lines },
  "artefact.jsonl": {
    bytes: encode(artefacts.map(rowLine).join("")),
    read(bytes) {
      const text = decode(bytes);
      const { rows: read, whole } = readRows<object>("a.jsonl", text);
      if (whole !== text) return null;
      return JSON.stringify(read.map((row) => Object.entries(row).slice(0, 5)));
    },
  },
  "rampart-download.json": {
    bytes: encode(`${JSON.stringify(record, null, 2)}\n`),
    async read(bytes) {
      const contents = Object.assign({ "d/rampart-download.json": bytes }, downloaded);
      const notes = await unofficialNotes("d", memoryData(contents), sumOf);
      return notes.length > 0 ? null : "official";
    },
  },
  "settings.json, config.json": {
    bytes: encode(sealedJson(settings)),
    read(bytes) {
      const { model, options, versions, target } = storedSettings("s.json", decode(bytes));
      return JSON.stringify([model, options, versions, target]);
    },
  },
  "examples.npz": {
    bytes: npzBytes({
      x: tensor(
        [2, 1, 4, 4],
        Array.from({ length: 32 }, (_, i) => i / 32),
      ),
    }),
    read: (bytes) =>
      JSON.stringify(
        [...parseNpz("e.npz", bytes)].map(([name, a]) => [name, a.shape, [...a.data]]),
      ),
  },
  "model.onnx": {
    bytes: exportOnnx(network, parameters, metadata),
    read(bytes) {
      const {
        architecture: found,
        parameters: weights,
        card: said,
        changed,
      } = importExported(bytes);
      const arrays = Object.entries(weights).map(([name, { data }]) => [name, [...data]]);
      return changed ? null : JSON.stringify([found.name, arrays, said]);
    },
  },
  "checkpoint.safetensors": {
    bytes: await writeSafetensors({
      tensors: parameters,
      metadata: { format: "f", position: "{}" },
    }),
    async read(bytes) {
      const { tensors, metadata, verified } = await readSafetensors(bytes);
      if (!verified) throw new Error("it has no checksum");
      return JSON.stringify([
        Object.entries(tensors).map(([n, { data }]) => [n, [...data]]),
        metadata,
      ]);
    },
  },
  "calibration.json": {
    bytes: encode(withCalibration(undefined, "c.json", machine, { images: 64, weights: 128 })),
    // Another machine's entry is not used: the same as before the calibration.
    read: (bytes) => JSON.stringify(calibrationIn(decode(bytes), "c.json", machine) ?? null),
  },
};

describe.each(Object.entries(formats))("%s", (name, { bytes, read }) => {
  it(`with a bit flipped is refused, warned about, or read as it was (${FLIPS} flips)`, async () => {
    const want = await read(bytes);
    const words = new Uint32Array(FLIPS);
    fillBits(fold(keyOf(17), nameToNumber(name)), words);
    const counts = { refused: 0, warned: 0, same: 0 };
    for (const word of words) {
      const bit = word % (8 * bytes.length);
      const damaged = bytes.slice();
      damaged[bit >> 3] ^= 1 << (bit & 7);
      let got: string | null;
      try {
        got = await read(damaged);
      } catch (error) {
        const isOurs = error instanceof UsageError || error instanceof DamagedLine;
        if (!isOurs) expect(name, (error as Error).stack).toBe("checkpoint.safetensors");
        counts.refused++;
        continue;
      }
      if (got === null) counts.warned++;
      else {
        expect(got, `bit ${bit}`).toBe(want);
        counts.same++;
      }
    }
    console.log(name, JSON.stringify(counts));
    expect(counts.refused + counts.warned + counts.same).toBe(FLIPS);
  });
});
