// What tests of `rampart audit` share: pictures whose class is their bright quarter, and networks that add quarters up.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditResult } from "../audit/result.ts";
import { npzBytes } from "../data/npz.ts";
import type { Row } from "../evaluate/row.ts";
import { uniform } from "../math/distributions.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";
import { nodeOf, onnxFile } from "../onnx/model-fixture.ts";
import { typed as typedWords } from "./typed-fixture.ts";

export const folder = mkdtempSync(join(tmpdir(), "rampart-cli-audit-"));
/** Removes everything that a test file has made. */
export const removeFolder = () => rmSync(folder, { recursive: true });
let made = 0;
export const typed = (words: readonly string[], stopAt?: string) =>
  typedWords(["audit", ...words], stopAt);
export const place = () => join(folder, `audit-${made++}`);

/** 40 pictures of 4×4 whose class is the quarter that is bright, by 0.4 more than the others or a little less. */
export const count = 40;
export const [size, quarter] = [
  16,
  (pixel: number) => 2 * Number(pixel >= 8) + Number(pixel % 4 >= 2),
];
export const jitter = uniform(keysFor(keyOf(1), [...Array(count).keys()]), [count, size], 0, 0.1);
export const labels = Array.from({ length: count }, (_, i) => i % 4);
export const pixels = jitter.data.map(
  (value, at) => 0.3 + value + (quarter(at % size) === labels[Math.floor(at / size)] ? 0.4 : 0),
);
export const data = join(folder, "quarters.npz");
writeFileSync(data, npzBytes({ x: tensor([count, 1, 4, 4], pixels), y: tensor([count], labels) }));

/** Logits: the sum of each quarter, in the order of `outputs`, plus a bias; `before` stands in front. */
export function network(
  name: string,
  { outputs = [0, 1, 2, 3], bias = [0, 0, 0, 0], round = false, gain = 1 } = {},
): string {
  const path = join(folder, `${name}.onnx`);
  const weights = tensor([size, 4]);
  for (let pixel = 0; pixel < size; pixel++)
    weights.data[4 * pixel + outputs[quarter(pixel)]] = gain;
  const nodes = [
    ...(round
      ? [
          nodeOf("Mul", ["x", "ten"], ["scaled"]),
          nodeOf("Round", ["scaled"], ["rounded"]),
          nodeOf("Flatten", ["rounded"], ["flat"]),
        ]
      : [nodeOf("Flatten", ["x"], ["flat"])]),
    nodeOf("Gemm", ["flat", "w", "b"], ["z"]),
  ];
  writeFileSync(
    path,
    onnxFile(nodes, {
      ...{ inputs: { x: ["n", 1, 4, 4] }, outputs: { z: ["n", 4] } },
      arrays: { w: weights, b: tensor([4], bias), ...(round && { ten: tensor([1], [10]) }) },
    }),
  );
  return path;
}
export const good = network("good");
export const words = (model: string, out: string, ...more: string[]) => [
  ...[model, "--data", `npz:${data}`, "--out", out, "--budget", "quick"],
  ...more,
];
export const resultOf = (out: string): AuditResult =>
  JSON.parse(readFileSync(join(out, "summary.json"), "utf8"));
export const rowsOf = (out: string): Row[] =>
  readFileSync(join(out, "rows.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
export const codes = (out: string) => resultOf(out).diagnostics.map(({ code }) => code);
export const both = ["--epsilon-linf", "0.05", "--epsilon-l2", "0.9"];
