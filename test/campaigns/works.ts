// The commands that a campaign disturbs, small enough to be repeated a hundred times, and what must not differ after it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseNpz } from "../../src/data/npz.ts";

/** A command in a folder. */
export interface Work {
  readonly name: string;
  /** Words after `rampart`. */
  words(folder: string): readonly string[];
  /** The same command again, where something has been done already. */
  again(folder: string): readonly string[];
  /** The exit code that it ends with. */
  readonly code: number;
  /** What it leaves in the folder, without the time that it took. */
  results(folder: string): string;
}

const onOneThread = ["--threads", "1"];

/** Fields that tell when or how fast, and the checksums over them. */
const TIMES = new Set(["seconds", "crc", "started", "queriesPerSecond"]);

const withoutTimes = (_: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).filter(([name]) => !TIMES.has(name)))
    : value;

const timeless = (value: unknown): string => JSON.stringify(value, withoutTimes);

const linesOf = (path: string): string =>
  readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => timeless(JSON.parse(line)))
    .join("\n");

const jsonOf = (path: string): string => timeless(JSON.parse(readFileSync(path, "utf8")));

const base64Of = (path: string): string => readFileSync(path).toString("base64");

const arraysOf = (path: string): string =>
  [...parseNpz(path, readFileSync(path))]
    .map(([name, { shape, data }]) => `${name} [${shape}] ${data.join()}`)
    .join("\n");

const training = (out: string, epochs: number): readonly string[] => [
  "train",
  "--defense",
  "at-linf",
  "--model",
  "mlp-small",
  "--data",
  "shapes",
  "--examples",
  "256",
  "--batch",
  "32",
  "--epochs",
  String(epochs),
  "--steps",
  "3",
  "--out",
  out,
  ...onOneThread,
];

/** Trains the model that the other commands are about. */
export const modelTraining = (out: string): readonly string[] => training(out, 1);

/** The works of a campaign, on a model that `modelTraining` has made. */
export const worksOn = (model: string): readonly Work[] => [
  {
    name: "train",
    words: (folder) => training(join(folder, "run"), 4),
    again: (folder) => [...training(join(folder, "run"), 4), "--resume"],
    code: 0,
    results: (folder) =>
      base64Of(join(folder, "run", "model.onnx")) + linesOf(join(folder, "run", "metrics.jsonl")),
  },
  {
    name: "evaluate",
    words: (folder) => [
      "evaluate",
      model,
      "--attacks",
      "pgd-linf,pgd-l2,cw-l2",
      "--examples",
      "48",
      "--batch",
      "8",
      "--cw-steps",
      "10",
      "--cw-searches",
      "2",
      "--out",
      join(folder, "rows.jsonl"),
      ...onOneThread,
    ],
    again(folder) {
      return [...this.words(folder), "--resume"];
    },
    code: 0,
    results: (folder) =>
      linesOf(join(folder, "rows.jsonl")) + arraysOf(join(folder, "rows.examples.npz")),
  },
  {
    name: "audit",
    words: (folder) => [
      "audit",
      join(model, "model.onnx"),
      "--data",
      "shapes",
      "--budget",
      "quick",
      "--examples",
      "48",
      "--batch",
      "8",
      "--require",
      "0.99",
      "--out",
      join(folder, "audit"),
      ...onOneThread,
    ],
    again(folder) {
      return [...this.words(folder), "--resume"];
    },
    code: 3,
    results: (folder) =>
      linesOf(join(folder, "audit", "rows.jsonl")) + jsonOf(join(folder, "audit", "summary.json")),
  },
  {
    name: "reproduce",
    words: (folder) => [
      "reproduce",
      "table4",
      "--scale",
      "smoke",
      "--defenses",
      "standard,ni-uniform",
      "--out",
      join(folder, "paper"),
      ...onOneThread,
    ],
    again(folder) {
      return this.words(folder);
    },
    code: 0,
    results: (folder) => jsonOf(join(folder, "paper", "table4.json")),
  },
];
