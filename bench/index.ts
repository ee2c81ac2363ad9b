// Side by side with PyTorch on the same work: `npm run bench -- --model wrn-16-4 --batch 64`.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { benchInput, benchTask, benchTraining, type Task, works } from "../src/cli/bench-work.ts";
import { gemmPeak } from "../src/cli/measure.ts";
import { machine } from "../src/files/node.ts";
import { tensor } from "../src/math/tensor.ts";
import { UsageError } from "../src/math/usage-error.ts";
import { nodeRuntime } from "../src/runtime/node.ts";
import { writeSafetensors } from "../src/train/safetensors.ts";
import { compare } from "./compare.ts";
import { findPython, type Peer, startPeer } from "./peer.ts";
import { table } from "./table.ts";

const usage = `npm run bench -- [options]
  --model NAME     wrn-<depth>-<width> or cnn-small (default: wrn-16-4)
  --batch N        examples per step (default: 64)
  --repeats N      measured rounds, after one that warms up (default: 10)
  --work LIST      ${Object.keys(works).join(",")} (default: all)
  --python PATH    a Python with PyTorch (default: python3, then /usr/bin/python3)
  --json           one JSON object per line`;

/** Hands weights, pictures and labels to PyTorch. */
async function handOver(
  peer: Peer,
  folder: string,
  { network, parameters, x, labels }: Task,
  threads: number,
) {
  const file = join(folder, "task.safetensors");
  const tensors = { ...parameters, "input/x": x, "input/labels": tensor([labels.length], labels) };
  await writeFile(file, await writeSafetensors({ tensors, metadata: {} }));
  return peer.ask<{ version: string }>("load", {
    ...{ file, threads, training: benchTraining, name: network.name },
    ...benchInput,
  });
}

async function main() {
  const { values } = parseArgs({
    options: {
      model: { type: "string", default: "wrn-16-4" },
      batch: { type: "string", default: "64" },
      repeats: { type: "string", default: "10" },
      work: { type: "string", default: Object.keys(works).join() },
      python: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(usage);
  const [batch, repeats] = [values.batch, values.repeats].map(Number);
  const asked = values.work.split(",");
  const chosen = Object.entries(works).filter(([name]) => asked.includes(name));
  if (
    ![batch, repeats].every((n) => Number.isInteger(n) && n > 0) ||
    chosen.length !== asked.length
  )
    throw new UsageError(`batch, repeats or work is not what it should be\n${usage}`);

  const task = benchTask(values.model, batch, 0);
  const runtime = await nodeRuntime();
  const { target } = runtime;
  const [load] = loadavg();
  if (load > machine().cores / 2)
    console.warn(
      `the machine is busy (load ${load.toFixed(1)}): PyTorch's threads wait for each other by spinning, so it suffers more than we do and the ratios flatter us`,
    );
  const found = findPython(values.python);
  const folder = await mkdtemp(join(tmpdir(), "rampart-bench-"));
  const peer = "python" in found ? startPeer(found.python) : null;
  const print = (line: string) => void (values.json || console.log(line));
  try {
    if ("skipped" in found) print(`skipped: ${found.skipped}`);
    const torch = peer === null ? null : await handOver(peer, folder, task, target.threads);
    const peaks = {
      ours: await gemmPeak(runtime),
      pytorch: (await peer?.ask<{ flopsPerSecond: number }>("peak"))?.flopsPerSecond ?? null,
    };
    const peak = Math.max(peaks.ours, peaks.pytorch ?? 0);
    print(
      `${values.model}, batch ${batch}, float32, ${target.threads} threads; ${target.engine}, ${target.lowering} lowering${torch === null ? "" : `; PyTorch ${torch.version}, eager`}`,
    );
    print(
      `${machine().cpu}; peak ${Math.round(peak / 1e9)} GFLOP/s (product of 1536 × 1536 matrices)`,
    );
    for (const entry of chosen) {
      const [name, work] = entry;
      const progress = (round: number) => {
        if (process.stderr.isTTY)
          process.stderr.write(`\r${name} ${round}/${repeats}${round === repeats ? "\n" : ""}`);
      };
      const result = await compare(entry, task, { runtime, peer, repeats, folder, progress });
      const flops = work.flops(task);
      if (values.json)
        console.log(
          JSON.stringify({
            ...{
              work: name,
              model: values.model,
              batch,
              repeats,
              target,
              load,
              machine: machine(),
            },
            ...{ pytorchVersion: torch?.version ?? null, peaks, flops },
            ...result,
          }),
        );
      for (const line of table(work.title, result, flops, peak)) print(line);
    }
  } finally {
    await peer?.close();
    await rm(folder, { recursive: true });
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
