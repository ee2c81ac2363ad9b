// Runs one audit with several numbers of workers: whether results are equal, and what sharing them out costs in processor time.
// npx tsx scripts/audit-scaling.ts OUT 1,2,4 MODEL.onnx FLAGS OF rampart audit…
// Finished audits in OUT are kept: run the same command again after an interruption.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const bin = join(root, "bin/rampart.js");

/** What a command printed, and the processor time of its process and of all that it started, in seconds. */
interface Timed {
  readonly out: string;
  readonly processor: number;
  readonly seconds: number;
}

/** Seconds of `0m1.234s 0m0.567s`. */
const secondsIn = (line: string): number =>
  [...line.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, rest]) => sum + 60 * Number(minutes) + Number(rest),
    0,
  );

/** Runs a program. Rejects if it fails. */
function timed(words: readonly string[]): Promise<Timed> {
  const shell = '"$@"; code=$?; times >&3; exit $code';
  const child = spawn("bash", ["-c", shell, "bash", ...words], {
    stdio: ["ignore", "pipe", "inherit", "pipe"],
  });
  const began = performance.now();
  let [out, times] = ["", ""];
  child.stdout?.on("data", (data) => {
    out += data;
  });
  child.stdio[3]?.on("data", (data) => {
    times += data;
  });
  return new Promise((resolve, reject) => {
    child.on("close", (code) => {
      const seconds = (performance.now() - began) / 1000;
      if (code !== 0) reject(new Error(`code ${code}: ${words.join(" ")}`));
      else resolve({ out, processor: secondsIn(times.split("\n")[1]), seconds });
    });
  });
}

/** What an audit gave, without seconds and the checksums of lines that hold them. */
function resultIn(folder: string): { readonly rows: string; readonly summary: string } {
  const rows = readFileSync(join(folder, "rows.jsonl"), "utf8");
  const summary = readFileSync(join(folder, "summary.json"), "utf8");
  return {
    rows: rows.replaceAll(/"seconds":[^,]*,"crc":"\w+"/g, ""),
    summary: JSON.stringify(
      JSON.parse(summary, (name, value) => (name === "seconds" ? undefined : value)),
    ),
  };
}

/** An audit by some workers. */
interface Measured {
  readonly workers: number;
  readonly cells: number;
  /** Processor time of all processes, and the part of it inside cells. */
  readonly processor: number;
  readonly inCells: number;
  readonly seconds: number;
}

async function audit(out: string, workers: number, flags: readonly string[]): Promise<Measured> {
  const [folder, file] = [join(out, `audit-${workers}`), join(out, `workers-${workers}.json`)];
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8"));
  rmSync(folder, { recursive: true, force: true });
  const given = [...flags, "--workers", `${workers}`, "--out", folder, "--json"];
  const { out: text, processor, seconds } = await timed([process.execPath, bin, "audit", ...given]);
  const cells = text
    .split("\n")
    .filter((line) => line.includes('"event":"committed"'))
    .map((line) => JSON.parse(line) as { readonly processor: number });
  const inCells = cells.reduce((sum, one) => sum + one.processor, 0);
  const measured = { workers, cells: cells.length, processor, inCells, seconds };
  writeFileSync(file, JSON.stringify(measured));
  return measured;
}

/** Processor time of what workers do not share: attacks are stored, so that resuming opens, searches radii, diagnoses and reports. */
async function ownPart(out: string, workers: number, flags: readonly string[]): Promise<number> {
  rmSync(join(out, `audit-${workers}`, "radii.jsonl"), { force: true });
  const given = [...flags, "--workers", `${workers}`, "--out", join(out, `audit-${workers}`)];
  return (await timed([process.execPath, bin, "audit", ...given, "--resume"])).processor;
}

/** Processor time until the process of a worker's cells is ready. */
async function startUp(): Promise<number> {
  const main = join(root, "dist/sweep/child/node-main.js");
  const setup = JSON.stringify({ store: root, target: {}, plugins: [] });
  const code = `require("node:child_process").fork(${JSON.stringify(main)}, [${JSON.stringify(setup)}]).on("message", function () { this.disconnect(); })`;
  return (await timed([process.execPath, "-e", code])).processor;
}

const [out, counts, ...flags] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const workers = counts.split(",").map(Number);
const measured: Measured[] = [];
for (const count of workers) measured.push(await audit(out, count, flags));
const first = resultIn(join(out, `audit-${workers[0]}`));
const shared = measured.filter(({ cells }) => cells > 0);
const own = await ownPart(out, workers[0], flags);
const start = await startUp();
console.log(
  `processor seconds: the audit without attacks ${own.toFixed(1)}, start of a worker's process ${start.toFixed(1)}`,
);
console.log(
  "| workers | cells | in all | in cells | outside | scheduling | wall clock | results |",
);
console.log("| --- | --- | --- | --- | --- | --- | --- | --- |");
let passed = true;
for (const one of measured) {
  const { cells, processor, inCells, seconds } = one;
  const { rows, summary } = resultIn(join(out, `audit-${one.workers}`));
  const isEqual = rows === first.rows && summary === first.summary;
  const outside = processor - inCells;
  const scheduling = outside - own - Math.min(one.workers, cells) * start;
  passed = passed && isEqual && (!shared.includes(one) || scheduling < 0.02 * processor);
  const parts = shared.includes(one)
    ? [
        inCells.toFixed(1),
        outside.toFixed(1),
        `${scheduling.toFixed(1)} (${((100 * scheduling) / processor).toFixed(2)} %)`,
      ]
    : ["", "", ""];
  const line = [
    one.workers,
    cells,
    processor.toFixed(1),
    ...parts,
    seconds.toFixed(0),
    isEqual ? "equal" : "different",
  ];
  console.log(`| ${line.join(" | ")} |`);
}
process.exit(passed ? 0 : 1);
