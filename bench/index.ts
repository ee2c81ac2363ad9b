// Side by side with PyTorch on the same work: `npm run bench -- --work gradient --model wrn-16-4`.

import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { benchModel, benchTask, type Effort } from "../src/bench/task.ts";
import type { Work } from "../src/bench/work.ts";
import { works } from "../src/bench/works.ts";
import type { RuntimeTarget } from "../src/engine/runtime/runtime.ts";
import { machine } from "../src/files/node.ts";
import { UsageError } from "../src/math/usage-error.ts";
import { type Case, casesOf, modelLabel } from "./cases.ts";
import { type Comparison, compare } from "./compare.ts";
import { curves } from "./curves.ts";
import { details } from "./details.ts";
import { type Options, options, usage } from "./options.ts";
import { findPython, type Peer, startOurs, startTorch } from "./peer.ts";
import { profile, profileText } from "./profile.ts";
import { lines, type Measured, markdownTable } from "./table.ts";
import { writeTask } from "./task-file.ts";

/** Asks a process that is there for nothing else. */
async function once<Answer>(peer: Peer, ask: (peer: Peer) => Promise<Answer>): Promise<Answer> {
  try {
    return await ask(peer);
  } finally {
    await peer.close();
  }
}

const peakOf = async (peer: Peer) =>
  (await peer.ask<{ flopsPerSecond: number }>("peak")).flopsPerSecond;

/** What the machine and the libraries on it are, and the highest rate of a matrix product that either side reaches. */
async function surroundings(python: string | null, threads: number) {
  const ours = await once(startOurs(threads), async (peer) => ({
    peak: await peakOf(peer),
    target: await peer.ask<RuntimeTarget>("versions"),
  }));
  const theirs =
    python === null
      ? null
      : await once(startTorch(python, threads), async (peer) => ({
          peak: await peakOf(peer),
          ...(await peer.ask<{ version: string; libraries: string[] }>("versions")),
        }));
  const peaks = { ours: ours.peak, pytorch: theirs?.peak ?? null };
  const torch = theirs === null ? null : `${theirs.version} with ${theirs.libraries.join(", ")}`;
  return { target: ours.target, peaks, peak: Math.max(ours.peak, peaks.pytorch ?? 0), torch };
}

/** Writes the task of a case into the folder. */
async function prepare(
  { work, model, batch, effort: given }: Case,
  { data, seed }: Options,
  python: string | null,
  folder: string,
) {
  const name = work === "imported" ? "gradient" : work;
  const kind: Work = works[name];
  let path = model;
  if (work === "imported") {
    if (python === null) return null;
    path = join(folder, `${model}.onnx`);
    await once(startTorch(python, 1), (peer) => peer.ask("export", { name: model, file: path }));
  }
  const opened = await benchModel(path, { data, seed, preferred: "cifar10" });
  if (work !== "imported" && opened.file !== null)
    throw new UsageError(
      `${model} was not exported by rampart, so PyTorch has no network for it; use --work imported with a name of torchvision's`,
      { code: "misfit" },
    );
  const effort: Effort = { ...kind.effort(batch), ...given };
  const images = kind.kind === "evaluation" ? effort.images : kind.effort(batch).images;
  const task = benchTask(opened, {
    kind: kind.kind,
    batch,
    seed,
    effort: { ...effort, images },
  });
  const file = join(folder, "task.safetensors");
  await writeTask(file, task, work === "imported" ? model : task.network.name);
  const job = { work: name, file, details: details[name](task) };
  const title = work === "imported" ? `${kind.title}, imported` : kind.title;
  return { job, title, flops: kind.flops(task), data: opened.dataset.name, effort: task.effort };
}

async function main(argv: readonly string[]) {
  const given = options(argv);
  if (given === null) return console.log(usage);
  const { threads = availableParallelism(), rounds, json } = given;
  const print = (line: string) => void (json || console.log(line));
  if (given.curves) return curves(given, threads, print);
  const [load] = loadavg();
  if (load > machine().cores / 2)
    console.warn(
      `the machine is busy (load ${load.toFixed(1)}): PyTorch's threads wait for each other by spinning, so it suffers more than we do and the ratios flatter us`,
    );
  const found = findPython(given.python);
  if ("skipped" in found) console.warn(`our side alone: ${found.skipped}`);
  const python = "python" in found ? found.python : null;
  const { target, peak, peaks, torch } = await surroundings(given.profile ? null : python, threads);
  print(
    `float32, ${threads} threads; ${target.engine}, ${target.lowering} lowering${torch === null ? "" : `; PyTorch ${torch}, eager`}; ${rounds} rounds`,
  );
  print(
    `${machine().cpu}; peak ${Math.round(peak / 1e9)} GFLOP/s (product of 1536 × 1536 matrices)`,
  );
  const all: Measured[] = [];
  for (const one of casesOf(given.work, given, given.effort)) {
    const folder = await mkdtemp(join(tmpdir(), "rampart-bench-"));
    try {
      const prepared = await prepare(one, given, python, folder);
      if (prepared === null) {
        print(`skipped: ${one.work} needs torchvision to export ${one.model}`);
        continue;
      }
      const { job, title, flops, data, effort } = prepared;
      if (given.profile) {
        const opensOnce = works[job.work].kind !== "evaluation";
        const found = await profile(job, { threads, rounds, opensOnce });
        const label = `${title}: ${modelLabel(one.model)}, batch ${one.batch}`;
        if (json) console.log(JSON.stringify({ ...one, effort, data, rounds, target, ...found }));
        for (const line of ["", ...profileText(label, found)]) print(line);
        continue;
      }
      const progress = (round: number) => {
        if (process.stderr.isTTY)
          process.stderr.write(`\r${title} ${round}/${rounds}${round === rounds ? "\n" : ""}`);
      };
      const result: Comparison = await compare(job, { python, threads, rounds, folder, progress });
      all.push({ title, case: one, result, flops });
      if (json)
        console.log(
          JSON.stringify({
            ...one,
            effort,
            data,
            rounds,
            target,
            load,
            machine: machine(),
            pytorchVersion: torch,
            peaks,
            flops,
            ...result,
          }),
        );
      for (const line of lines(all[all.length - 1], peak)) print(line);
    } finally {
      await rm(folder, { recursive: true });
    }
  }
  if (!given.profile) print(`\n${markdownTable(all, peak)}`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
