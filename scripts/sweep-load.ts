// Measures the scheduling of a sweep: cells that sleep, logical workers in a few processes, one store and one Redis.
// npx tsx scripts/sweep-load.ts CELLS PROCESSES WORKERS_PER_PROCESS, for example 10000 4 50
import { type ChildProcess, fork, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { nodeHost } from "../src/files/host/node.ts";
import { Attempts } from "../src/sweep/attempts.ts";
import { Board } from "../src/sweep/board.ts";
import type { Cell, CellWork } from "../src/sweep/cell.ts";
import { codeVersion, keyOfValue } from "../src/sweep/key.ts";
import { attemptContext, openNodeStore } from "../src/sweep/node.ts";
import { nodeClock } from "../src/sweep/node-clock.ts";
import type { Execute } from "../src/sweep/outcome.ts";
import { CellQueue } from "../src/sweep/queue/node.ts";
import { workOnQueue } from "../src/sweep/queue/node-worker.ts";
import { committedKeys } from "../src/sweep/results.ts";
import { CellWorker } from "../src/sweep/worker.ts";

/** How long a cell sleeps, in seconds. */
const SLEEP = 0.2;
const PORT = 16_399;
const url = `redis://127.0.0.1:${PORT}`;
const target = { device: "cpu", threads: 1, lowering: "plain", engine: "none" };

async function cellsOf(count: number): Promise<Cell[]> {
  const cells: Cell[] = [];
  for (let i = 0; i < count; i++) {
    const work: CellWork = {
      kind: "sleep",
      options: { i },
      data: null,
      range: null,
      model: null,
      inputs: [],
      code: codeVersion(),
      target,
    };
    const key = await keyOfValue(work, nodeHost);
    cells.push({ key, work, label: `${i}`, labels: {}, priority: 0, cost: 1 });
  }
  return cells;
}

/** One process with several logical workers. Tells its parent how many cells it has committed. */
async function work(folder: string, count: number, workers: number): Promise<void> {
  const store = await openNodeStore(folder, { create: false });
  const board = new Board();
  board.add(await cellsOf(count));
  const attempts = new Attempts({ ...(await attemptContext(60)), store });
  let committed = 0;
  const execute: Execute = async ({ key }) => {
    await sleep(1000 * SLEEP);
    return { how: "done", files: new Map([["k", new TextEncoder().encode(key)]]), removed: {} };
  };
  const { signal } = new AbortController();
  const context = {
    store,
    attempts,
    board,
    host: nodeHost,
    clock: nodeClock,
    execute,
    owner: randomUUID(),
    retries: 0,
    backOff: 1,
    look: 5,
    awaySeconds: 60,
    signal,
    onEvent({ event }: { readonly event: string }) {
      if (event === "committed") committed++;
    },
  };
  const queue = await CellQueue.open(url, store, (text) => console.error(text));
  const refresh = async () => void board.setDone(await committedKeys(store));
  await workOnQueue(
    queue,
    {
      store,
      board,
      workers: Array.from({ length: workers }, () => new CellWorker(context)),
      refresh,
      pause: async () => "go",
      signal,
      note: (text) => console.error(text),
    },
    { rescan: 60, look: 5, patience: 60, untilDone: true },
  );
  await queue.close();
  process.send?.(committed);
}

/** Counts the commands that Redis runs: those that clients send, and those of the scripts that they call. */
function countCommands() {
  const monitor = spawn("redis-cli", ["-p", `${PORT}`, "monitor"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const counts = { sent: 0, inScripts: 0 };
  let rest = "";
  monitor.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines)
      if (/^\d+\.\d+ \[\d+ lua\]/.test(line)) counts.inScripts++;
      else if (/^\d+\.\d+ \[/.test(line)) counts.sent++;
  });
  return { counts, stop: () => monitor.kill("SIGKILL") };
}

const ended = (child: ChildProcess): Promise<number> =>
  new Promise((resolve, reject) => {
    child.once("message", (count) => resolve(Number(count)));
    child.once("exit", (code) => reject(new Error(`a process ended with code ${code}`)));
  });

async function measure(count: number, processes: number, workers: number): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "rampart-load-"));
  const redisFolder = join(folder, "redis");
  mkdirSync(redisFolder);
  const options = ["--port", `${PORT}`, "--bind", "127.0.0.1", "--dir", redisFolder, "--save", ""];
  const redis = spawn("redis-server", options, { stdio: "ignore" });
  let counting: ReturnType<typeof countCommands> | null = null;
  try {
    await sleep(1000);
    counting = countCommands();
    await sleep(500);
    const path = join(folder, "store");
    const store = await openNodeStore(path, { create: true });
    const queue = await CellQueue.open(url, store, (text) => console.error(text));
    const began = performance.now();
    await queue.add(await cellsOf(count));
    const words = ["work", path, `${count}`, `${workers}`];
    const children = Array.from({ length: processes }, () =>
      fork(fileURLToPath(import.meta.url), words),
    );
    const committed = await Promise.all(children.map(ended));
    const seconds = (performance.now() - began) / 1000;
    const stored = (await committedKeys(store)).size;
    const done = committed.reduce((sum, one) => sum + one, 0);
    await sleep(1000);
    const perCell = counting.counts.sent / count;
    const inScripts = counting.counts.inScripts / count;
    await queue.close();
    const ideal = (count * SLEEP) / (processes * workers);
    console.log(
      JSON.stringify({ cells: count, processes, workers: processes * workers, stored, committed }),
    );
    console.log(
      `${stored} of ${count} cells stored, ${done - stored} committed twice, ${perCell.toFixed(1)} commands sent to Redis per cell and ${inScripts.toFixed(1)} more inside scripts, ${seconds.toFixed(1)} s (sleeping alone takes ${ideal.toFixed(1)} s)`,
    );
    return stored === count && done === count && perCell <= 20;
  } finally {
    counting?.stop();
    redis.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

const [first, ...others] = process.argv.slice(2);
if (first === "work") {
  const [folder, count, workers] = others;
  await work(folder, Number(count), Number(workers));
  process.exit(0);
}
const passed = await measure(Number(first ?? 500), Number(others[0] ?? 4), Number(others[1] ?? 50));
process.exit(passed ? 0 : 1);
