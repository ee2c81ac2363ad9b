// Our side: one process, which does what each line of JSON says and answers with a line, as torch_side.py does.

import { writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { gemmPeak, peakMemory, resetPeakMemory, timed } from "../src/bench/measure.ts";
import type { Task } from "../src/bench/task.ts";
import type { Numbers, OpenWork, Work } from "../src/bench/work.ts";
import { type WorkName, works } from "../src/bench/works.ts";
import { nodeRuntime } from "../src/engine/runtime/node.ts";
import type { Runtime } from "../src/engine/runtime/runtime.ts";
import { writeSafetensors } from "../src/models/opening/safetensors.ts";
import { readTask } from "./task-file.ts";

const threads = Number(process.argv[2]);
const runtime = await nodeRuntime({ threads });

let opened: { readonly work: Work; readonly task: Task; open: OpenWork | null } | null = null;

function now() {
  if (opened === null) throw new Error("internal: no work is open");
  return opened;
}

/** Does the work once; the first time it opens it on the runtime, within its time. */
async function secondsOfStep(on: Runtime): Promise<number> {
  const current = now();
  const { seconds } = await timed(async () => {
    current.open ??= await current.work.open(on, current.task);
    await current.open.step();
  });
  return seconds;
}

interface Request {
  readonly do: string;
  readonly file: string;
  readonly work: WorkName;
  readonly arrays: string;
  readonly least: number;
  readonly folder: string;
  readonly steps: number;
}

const answers: Readonly<Record<string, (request: Request) => Promise<object>>> = {
  async open({ file, work }) {
    const task = await readTask(file);
    // Training makes its first weights itself, from the same seed.
    const held = works[work].kind === "training" ? { ...task, parameters: {} } : task;
    opened = { work: works[work], task: held, open: null };
    resetPeakMemory();
    return {};
  },
  async steps({ least }) {
    const seconds: number[] = [];
    let total = 0;
    do {
      seconds.push(await secondsOfStep(runtime));
      total += seconds[seconds.length - 1];
    } while (total < least);
    return { seconds };
  },
  /** Some steps of work that no step has been done of, their profiles written into a folder. */
  async profile({ folder, steps: count }) {
    const profiled = await nodeRuntime({ threads, profile: folder });
    const seconds: number[] = [];
    while (seconds.length < count) seconds.push(await secondsOfStep(profiled));
    await now().open?.release();
    return { seconds };
  },
  memory: async () => ({ bytes: peakMemory() }),
  async check({ arrays: file }) {
    const { work, task, open } = now();
    await open?.release();
    const { arrays = {}, ...numbers }: Numbers = await work.check(runtime, task);
    await writeFile(file, await writeSafetensors({ tensors: arrays, metadata: {} }));
    return numbers;
  },
  peak: async () => ({ flopsPerSecond: await gemmPeak(runtime) }),
  versions: async () => runtime.target,
};

for await (const line of createInterface({ input: process.stdin })) {
  const request: Request = JSON.parse(line);
  const answer = await answers[request.do](request).catch((error: Error) => ({
    error: error.stack ?? error.message,
  }));
  console.log(JSON.stringify(answer));
}
