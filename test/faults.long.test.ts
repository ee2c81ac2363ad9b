// Every case of the folder of small inputs that once went wrong, held to its right answer; over 300 lines, one per case or more. The folder is not part of the
// repository: `$RAMPART_DATA/faults`.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { AuditResult } from "../src/audit/result.ts";
import { nodeDataFiles } from "../src/data/node.ts";
import { type Npy, parseNpy } from "../src/data/npy.ts";
import { npzBytes, parseNpz } from "../src/data/npz.ts";
import { type Ended, rampartHere as rampart } from "./fixtures/in-process.ts";
import { isSlow } from "./fixtures/slow.ts";

const root = join(import.meta.dirname, "..");
const faults = join(process.env.RAMPART_DATA ?? join(root, "..", "shared", "data"), "faults");
const out = mkdtempSync(join(tmpdir(), "rampart-faults-"));
afterAll(() => rmSync(out, { recursive: true, force: true }));

const skipped = existsSync(faults) ? false : `${faults} does not exist; set RAMPART_DATA`;

function arrayOf(file: string, name: string): Npy {
  const array = parseNpz(file, readFileSync(file)).get(name);
  if (array === undefined) throw new Error(`${file} holds no ${name}`);
  return array;
}

let made = 0;

interface Audited extends Ended {
  /** All that a person reads. */
  readonly text: string;
  readonly result: AuditResult;
}

/** Audits a case with the quick budget unless `more` says otherwise; `data` is relative to its folder. */
async function audit(name: string, data: string, ...more: readonly string[]): Promise<Audited> {
  const folder = join(out, `${name}-${made++}`);
  const [kind, path] = data.split(":");
  const source = path === undefined ? data : `${kind}:${resolve(faults, name, path)}`;
  const words = ["audit", join(faults, name, "m.onnx"), "--data", source, "--out", folder];
  const ended = await rampart(...words, "--norms", "linf", "--budget", "quick", ...more);
  const summary = join(folder, "summary.json");
  const text = `${ended.stdout}\n${ended.stderr}`;
  if (!existsSync(summary)) throw new Error(`no summary.json; exit ${ended.code}: ${text}`);
  return { ...ended, text, result: JSON.parse(readFileSync(summary, "utf8")) };
}

/** Case 16 with an image more, whose pixels are all equal. */
async function withBlankImage(): Promise<Audited> {
  const arrays = parseNpz("d", readFileSync(join(faults, "16-one-blank-picture", "d.npz")));
  const x = arrays.get("x");
  const y = arrays.get("y");
  if (x === undefined || y === undefined) throw new Error("case 16 holds no x and y");
  const [count, ...image] = x.shape;
  const pixels = new Float32Array(x.data.length + x.data.length / count).fill(0.5);
  pixels.set(Float32Array.from<unknown>(x.data, Number));
  const labels = Float32Array.from<unknown>([...y.data, 0], Number);
  const file = join(out, "blank.npz");
  const shape = [count + 1, ...image];
  writeFileSync(
    file,
    npzBytes({ x: { data: pixels, shape }, y: { data: labels, shape: [count + 1] } }),
  );
  return audit("16-one-blank-picture", `npz:${file}`);
}

const accuracies = ({ result }: Audited) => [result.clean.mean, result.union.mean];
const codes = ({ result }: Audited) => result.diagnostics.map(({ code }) => code);

/** Largest difference of the logits that `rampart gradient` gives from the ones of ONNX Runtime. */
async function logitError(name: string, file = "m.onnx"): Promise<number> {
  const saved = join(out, `${name}-${file}.npz`);
  const input = join(faults, name, "xy.npz");
  const { code, stderr } = await rampart(
    "gradient",
    join(faults, name, file),
    "--input",
    input,
    "--out",
    saved,
  );
  expect([code, stderr.match(/rampart: .*/g)?.join("\n") ?? ""]).toEqual([0, expect.anything()]);
  const logits = arrayOf(saved, "logits");
  const want = parseNpy("want", readFileSync(join(faults, name, "want-logits.npy")));
  expect(logits.data.length).toBe(want.data.length);
  const [found, right] = [logits, want].map(({ data }) =>
    Array.from<unknown, number>(data, Number),
  );
  return Math.max(...found.map((value, i) => Math.abs(value - right[i])));
}

describe.skipIf(skipped)(`the cases of ${skipped || faults}`, { timeout: 180_000 }, () => {
  describe("output heads", () => {
    it.each([
      "01-prob-threshold",
      "03-sigmoid-clip",
      "14-masked-minus-inf",
      "15-log-of-softmax",
      "17-probabilities-clip",
      "19-soft-voting",
    ])("case %s: clean 1.0, robust 17/32", async (name) => {
      const audited = await audit(name, "npz:d.npz", "--budget", isSlow ? "standard" : "quick");
      expect(accuracies(audited)).toEqual([1, 17 / 32]);
      expect(audited.result.valid).toBe(true);
      expect(audited.code).toBe(0);
    });

    it("case 05: a softmax over one unit is a constant predictor", async () => {
      const audited = await audit("05-dense1-softmax", "npz:d.npz");
      expect(codes(audited)).toContain("constant-predictor");
      expect(audited.result.valid).toBe(false);
    });

    it("case 06: a softmax over the batch is batch-dependent", async () => {
      const audited = await audit("06-softmax-batch-axis", "npz:d.npz");
      expect(audited.text).toMatch(/batch/);
      expect(audited.result.valid).toBe(false);
      expect(codes(audited).some((code) => /batch-dependent|constant-predictor/.test(code))).toBe(
        true,
      );
    });

    it("case 55: the scores of a linear classifier come before its normaliser", async () => {
      const saved = join(out, "55.npz");
      const folder = join(faults, "55-linear-classifier");
      const { code } = await rampart(
        "gradient",
        join(folder, "m.onnx"),
        "--input",
        join(folder, "xy.npz"),
        "--out",
        saved,
      );
      expect(code).toBe(0);
      const logits = arrayOf(saved, "logits");
      const [rows, classes] = logits.shape;
      // Probabilities would add up to 1 in each row.
      const sums = Array.from({ length: rows }, (_, i) =>
        Array.from(logits.data.slice(i * classes, (i + 1) * classes), Number).reduce(
          (a, b) => a + b,
          0,
        ),
      );
      expect(sums.every((sum) => Math.abs(sum - 1) < 1e-3)).toBe(false);
    });
  });

  describe("batches", () => {
    it("case 12: scores that depend on the batch are invalid, or scored one by one", async () => {
      const results: Audited[] = [];
      for (const batch of isSlow ? ["1", "8", "128"] : ["1", "128"])
        results.push(await audit("12-batch-dependent", "npz:d.npz", "--batch", batch));
      // One by one there is nothing to mix, and 8 of the 32 images stay right.
      expect(new Set(results.map(({ result }) => result.union.mean))).toEqual(new Set([0.25]));
      for (const audited of results.slice(1)) {
        expect(audited.text).toMatch(/batch/);
        expect(codes(audited)).toContain("batch-dependent");
        expect(audited.result.valid).toBe(false);
      }
    });

    it("case 32: a file without a batch axis is read, or said to be one", async () => {
      const folder = join(faults, "32-unbatched");
      const ended = await rampart(
        "audit",
        join(folder, "m.onnx"),
        "--data",
        `npz:${join(folder, "d.npz")}`,
        "--norms",
        "linf",
        "--budget",
        "quick",
        "--out",
        join(out, "32"),
      );
      if (ended.code !== 0)
        expect([ended.code, ended.stderr]).toEqual([2, expect.stringContaining("no batch axis")]);
    });

    it("case 36: falsify reads an input without a batch axis, or says so", async () => {
      const folder = join(faults, "36-falsify-no-batch-axis");
      const ended = await rampart(
        "falsify",
        join(folder, "m.onnx"),
        join(folder, "nobatch.vnnlib"),
        "--seconds",
        "10",
      );
      if (ended.code !== 0)
        expect([ended.code, ended.stderr]).toEqual([2, expect.stringContaining("no batch axis")]);
    });

    it("case 53: an open batch in front of a graph for one image is run one by one", async () => {
      const audited = await audit("53-open-batch-one", "mnist", "--examples", "16", "--batch", "8");
      expect(audited.code).toBe(0);
      expect(audited.result.examples).toBe(16);
    });
  });

  it("case 16: the blank image is counted and named, and the other 31 are judged", async () => {
    const audited = await audit("16-one-blank-picture", "npz:d.npz");
    expect([audited.result.examples, ...accuracies(audited)]).toEqual([31, 1, 15 / 31]);
    const { text, result } = await withBlankImage();
    // The blank image stays in the denominator; the 31 others keep their answers.
    expect([result.examples, Math.floor(result.union.mean * 32 + 1e-9)]).toEqual([32, 15]);
    expect(result.valid).toBe(false);
    expect(text).toContain("non-finite-gradients");
    expect(text).toMatch(/"sd" \(Sqrt/);
  });

  describe("operators and functions", () => {
    it.each([
      ["08-function-domain-unset", "m.onnx"],
      ["09-function-overload", "relu.onnx"],
      ["10-function-ref-in-subgraph", "m.onnx"],
      ["20-attention-opset23", "m.onnx"],
      ["21-rotary-opset23", "m.onnx"],
      ["35-bn-spatial0", "m.onnx"],
    ])("case %s: logits as ONNX Runtime's", async (name, file) => {
      expect(await logitError(name, file)).toBeLessThan(1e-4);
    });

    it("case 50: an operator named toString is unknown", async () => {
      const { code, stderr } = await rampart(
        "audit",
        join(faults, "50-operator-tostring", "m.onnx"),
        "--data",
        "shapes",
        "--out",
        join(out, "50"),
      );
      expect([code, stderr]).toEqual([2, expect.stringContaining("toString")]);
    });

    it("case 51: escape sequences of a file do not reach the terminal", async () => {
      const { code, stdout, stderr } = await rampart(
        "audit",
        join(faults, "51-escape-sequences", "m.onnx"),
        "--data",
        "shapes",
        "--out",
        join(out, "51"),
      );
      expect(code).toBe(2);
      expect(stdout + stderr).not.toMatch(/[^\P{Cc}\n\t]/u);
    });

    it("case 54: a pointer of Git LFS is called one", async () => {
      const { code, stderr } = await rampart(
        "audit",
        join(faults, "54-git-lfs-pointer", "m.onnx"),
        "--data",
        "shapes",
        "--out",
        join(out, "54"),
      );
      expect([code, stderr]).toEqual([2, expect.stringMatching(/Git LFS/)]);
    });
  });

  describe("preprocessing", () => {
    it.each([
      ["22-hf-deit", /28\s*[×x]\s*28.*24\s*[×x]\s*24/],
      ["23-hf-convnext", /27.*24\s*[×x]\s*24/],
      ["25-hf-efficientnet", /24\s*[×x]\s*24/],
    ])("case %s: the resolved pipeline is printed", async (name, line) => {
      expect((await audit(name, "folder:pics")).text).toMatch(line);
    });

    it("case 27: a file that takes bytes is not normalised twice", async () => {
      const audited = await audit("27-uint8-sidecar", "npz:d.npz", "--layout", "nhwc");
      const plain = await audit(
        "27-uint8-sidecar",
        "npz:d.npz",
        "--layout",
        "nhwc",
        "--preprocessing",
        "none",
      );
      expect(accuracies(audited)).toEqual(accuracies(plain));
      expect(accuracies(plain)).toEqual([1, 0.5]);
    });
  });

  describe("images, labels and data", () => {
    it("case 28: transparent pixels are warned about", async () => {
      expect((await audit("28-alpha", "folder:pics")).text).toMatch(/alpha|transparen/);
    });

    it("case 30: numeric class folders are sorted as text", async () => {
      const unnamed = await audit("30-numeric-folders", "folder:pics");
      const wrong = unnamed.result.diagnostics.find(({ code }) => code === "permuted-classes");
      expect(wrong?.text).toContain("sorted as text");
      const names = join(faults, "30-numeric-folders", "names.json");
      const audited = await audit("30-numeric-folders", "folder:pics", "--classes", names);
      expect(codes(audited)).not.toContain("permuted-classes");
      expect([audited.result.examples, audited.result.clean.mean]).toEqual([33, 1]);
    });

    it("case 31: names in NFD and NFC match", async () => {
      const audited = await audit(
        "31-nfd-names",
        "folder:pics",
        "--classes",
        join(faults, "31-nfd-names", "n.txt"),
      );
      expect([0, 3]).toContain(audited.code);
    });

    it("case 34: a pixel off by rounding is clipped", async () => {
      expect((await audit("34-npz-rounding", "npz:d.npz")).result.clean.mean).toBeGreaterThan(0);
    });

    it.each(["420.jpg", "444.jpg", "cmyk.jpg", "gray.jpg", "gray16.png", "half.png", "prog.jpg"])(
      "case 39: %s is decoded as Pillow decodes it",
      async (name) => {
        const file = join(faults, "39-decoding", name);
        const { pixels } = await nodeDataFiles().decode(readFileSync(file));
        const want = parseNpy(name, readFileSync(`${file}.pillow.npy`));
        const [height, width] = want.shape;
        const area = height * width;
        // Ours are planes [3, height, width], Pillow's [height, width, 3].
        const off = Array.from({ length: 3 * area }, (_, i) =>
          Math.abs(pixels[i] - Number(want.data[3 * (i % area) + Math.floor(i / area)])),
        );
        expect(Math.max(...off)).toBe(0);
      },
    );

    it("case 52: a wrong CRC-32 is damage", async () => {
      const model = join(faults, "01-prob-threshold", "m.onnx");
      const { code, stderr } = await rampart(
        "audit",
        model,
        "--data",
        `npz:${join(faults, "52-npz-crc", "d.npz")}`,
        "--out",
        join(out, "52"),
      );
      expect([code, stderr]).toEqual([2, expect.stringMatching(/CRC|damaged/)]);
    });
  });
});
