// Trains the networks that the lab ships and measures them: npx tsx scripts/lab-networks.ts
// MNIST is looked for as by the command line ($RAMPART_DATA). Its images are not shipped, its weights are.
// It takes a few minutes; the networks and networks.json are committed. A network whose file exists is only measured: remove
// the file to train it again.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const target = join(root, "src/lab/public/networks");
const work = mkdtempSync(join(tmpdir(), "rampart-lab-networks-"));

interface Training {
  readonly name: string;
  readonly title: string;
  readonly data: string;
  readonly flags: string;
}

const shapes = "--data shapes --examples 4000 --batch 64";
/** Fewer examples, since each step also runs the attack. */
const attacked = "--data shapes --examples 2500 --batch 64";

const trainings: readonly Training[] = [
  {
    name: "shapes-standard",
    title: "Standard training",
    data: "shapes",
    flags: `--defense standard ${shapes} --epochs 6 --rate 0.03`,
  },
  {
    name: "shapes-at",
    title: "Adversarial training, ℓ∞",
    data: "shapes",
    flags: `--defense at-linf ${attacked} --epochs 6 --rate 0.05`,
  },
  {
    name: "shapes-rat",
    title: "Randomised adversarial training",
    data: "shapes",
    flags: `--defense rat-linf-uniform ${attacked} --epochs 6 --rate 0.05`,
  },
  {
    name: "shapes-noise",
    title: "Training with normal noise",
    data: "shapes",
    flags: `--defense ni-normal ${shapes} --epochs 8 --rate 0.03`,
  },
  {
    name: "mnist-standard",
    title: "Standard training",
    data: "mnist",
    flags: "--defense standard --data mnist --examples 20000 --batch 64 --epochs 3 --rate 0.03",
  },
];

/** Runs a command of this clone and returns its standard output. */
const rampart = (words: readonly string[]): string =>
  execFileSync(process.execPath, [join(root, "bin/rampart.js"), ...words], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });

interface RowOfFile {
  readonly attack: string;
  readonly correct: number;
}

/** Test images that accuracies are measured on. */
const EXAMPLES = 100;

/** The share of test images that is right without an attack and under PGD in the paper's ℓ∞ and ℓ2 balls. */
function measured(file: string, data: string): Record<string, number> {
  const rows = join(work, "rows.jsonl");
  rmSync(rows, { force: true });
  const attacks = "none,pgd-linf,pgd-l2";
  const words = ["evaluate", file, "--data", data, "--attacks", attacks, "--out", rows];
  rampart([...words, "--examples", String(EXAMPLES), "--threads", "1"]);
  const lines = readFileSync(rows, "utf8").trim().split("\n");
  const found: RowOfFile[] = lines.map((line) => JSON.parse(line));
  const share = (attack: string) => {
    const own = found.filter((row) => row.attack === attack);
    return own.reduce((sum, { correct }) => sum + correct, 0) / own.length;
  };
  return { clean: share("none"), linf: share("pgd-linf"), l2: share("pgd-l2") };
}

const wordsOf = ({ flags }: Training): string =>
  `train ${flags} --model cnn-small --recipe short --seed 0`;

const fileOf = ({ name }: Training): string => join(target, `${name}.onnx`);

for (const training of trainings) {
  if (existsSync(fileOf(training))) continue;
  const run = join(work, training.name);
  rampart([...wordsOf(training).split(" "), "--threads", "1", "--out", run]);
  rampart(["export", run, "--out", fileOf(training)]);
}

const networks = trainings.map((training) => {
  const { name, title, data } = training;
  const file = fileOf(training);
  return {
    name,
    title,
    data,
    bytes: statSync(file).size,
    command: `rampart ${wordsOf(training)} --out runs/${name}`,
    examples: EXAMPLES,
    accuracy: measured(file, data),
  };
});
writeFileSync(join(target, "networks.json"), `${JSON.stringify(networks, null, 2)}\n`);
rmSync(work, { recursive: true, force: true });
console.log(`${networks.reduce((sum, { bytes }) => sum + bytes, 0)} bytes of networks`);
