// The process that computes the cells of one worker, one after the other. It ends when its worker ends.
import { nodeSource } from "../../audit/node.ts";
import type { FolderOptions } from "../../data/folder-options.ts";
import { nodeRuntime } from "../../engine/runtime/node.ts";
import type { Runtime, RuntimeTarget } from "../../engine/runtime/runtime.ts";
import { openTestImages } from "../../evaluate/test-images/node.ts";
import { nodeHost } from "../../files/host/node.ts";
import { reasonOf } from "../../files/reasons.ts";
import { messageOf } from "../../math/message-of.ts";
import { UsageError } from "../../math/usage-error.ts";
import { readOnnxFile } from "../../models/node.ts";
import { noiseNamedInNode } from "../../noise/node.ts";
import { loadPlugin } from "../../plugins/node.ts";
import type { Cell } from "../cell.ts";
import { timelessHost } from "../cells/context.ts";
import { inherit, RUN_FOLDER } from "../cells/owned-storage.ts";
import { runCell } from "../cells/run.ts";
import { canonicalJson, codeOfPlugins } from "../key.ts";
import { readResult } from "../results.ts";
import { nodeStore } from "../store/node.ts";
import { type ChildSetup, type FromChild, OUT_FOLDER, type ToChild } from "./messages.ts";
import { KeptData } from "./node-data.ts";

const setup: ChildSetup = JSON.parse(process.argv[2] ?? "{}");
const tell = (message: FromChild): void => void process.send?.(message);

const data = new KeptData(setup.dataDir);
let runtime: Promise<Runtime> | undefined;

/** The runtime of the plan. Throws `UsageError` if this machine has another runtime. */
async function startRuntime({
  device,
  threads,
  lowering,
  engine,
}: RuntimeTarget): Promise<Runtime> {
  const started = await nodeRuntime({ device, threads, lowering });
  const { target } = started;
  if (target.lowering !== lowering || target.engine !== engine)
    throw new UsageError(
      `the plan is computed with ${engine}, lowering ${lowering}, and this machine has ${target.engine}, lowering ${target.lowering}`,
      { code: "misfit", next: "run its workers on machines of one kind, or plan a sweep here" },
    );
  return started;
}

/** Changes to the folder of the plan, which its paths are relative to. Throws `UsageError` if the folder does not exist. */
function enterFolder(): void {
  if (setup.folder === undefined) return;
  try {
    process.chdir(setup.folder);
  } catch (cause) {
    throw new UsageError(`the plan was made in ${setup.folder}, which this machine does not have`, {
      code: "not-found",
      cause,
      next: "share that folder, or start the audit in one that all machines have",
    });
  }
}

/** Throws `UsageError` if a plug-in differs from the plan's. */
function requirePlugins({ work }: Cell): void {
  if (canonicalJson(work.plugins) === canonicalJson(codeOfPlugins())) return;
  throw new UsageError(
    `the plug-ins of the plan (${setup.plugins.join(", ")}) have changed since it was made, or differ on this machine`,
    {
      code: "misfit",
      next: "copy them from the machine where the sweep was started, or start the sweep again",
    },
  );
}

/** Whether an error comes from the storage of the attempt's files, so that the attempt may continue later. */
function isAway(error: unknown): boolean {
  if (error instanceof UsageError) return error.code === "cannot-write";
  return reasonOf(error) !== undefined;
}

async function compute(
  { cell, inputs, attempt, before }: Extract<ToChild, { type: "run" }>,
  signal: AbortSignal,
): Promise<FromChild> {
  const atStart = process.cpuUsage();
  enterFolder();
  requirePlugins(cell);
  const store = nodeStore(setup.store);
  const files = store.attempt(cell.key, attempt);
  if (before !== null) await inherit(store.attempt(cell.key, before), files);
  runtime ??= startRuntime(setup.target);
  const started = await runtime;
  const cells = new Map(inputs.map((one) => [one.key, one]));
  let told = 0;
  const result = await runCell(cell, {
    files,
    input: (key, name) => readResult(store, key, name, nodeHost),
    cell(key) {
      const found = cells.get(key);
      if (found === undefined) throw new Error(`cell ${key} is not an input`);
      return found;
    },
    runtime: started,
    startBounds: () => nodeRuntime({ threads: setup.target.threads, lowering: "plain" }),
    host: timelessHost(nodeHost),
    openData: (name) => data.open(name),
    async openTested(model, named = model.data) {
      const isKept = KeptData.isKept(named) && named !== "";
      const images = { data: isKept ? await data.open(named) : named, dataDir: setup.dataDir };
      return openTestImages(model, images, ({ text }) => tell({ type: "note", text }));
    },
    auditSource: (path) =>
      Object.assign(nodeSource(path, { dataDir: setup.dataDir, runtime: started }), {
        openData: (name: string, options: FolderOptions) => data.open(name, options),
      }),
    readOnnx: readOnnxFile,
    noiseNamed: noiseNamedInNode,
    signal,
    note: ({ text }) => tell({ type: "note", text }),
    progress(done, total) {
      const now = performance.now();
      if (now - told < 500 && done < total) return;
      told = now;
      tell({ type: "progress", done, total });
    },
  });
  if (result === null) return { type: "stopped" };
  for (const [name, bytes] of result.files) await files.write(`${OUT_FOLDER}/${name}`, bytes);
  const { user, system } = process.cpuUsage(atStart);
  return {
    type: "done",
    names: [...result.files.keys()],
    removed: result.removed,
    processor: (user + system) / 1e6,
  };
}

/** Computes a cell. If the cell cannot continue from the files of another attempt, it starts again. */
async function answer(
  message: Extract<ToChild, { type: "run" }>,
  signal: AbortSignal,
): Promise<FromChild> {
  try {
    return await compute(message, signal).catch(async (error) => {
      const isInherited = message.before !== null && error instanceof UsageError;
      if (!isInherited || !["bad-file", "misfit", "in-use"].includes(error.code)) throw error;
      const store = nodeStore(setup.store);
      await store.remove(`cells/${message.cell.key}/attempt-${message.attempt}/${RUN_FOLDER}`);
      return compute({ ...message, before: null }, signal);
    });
  } catch (error) {
    if (signal.aborted) return { type: "stopped" };
    const code = error instanceof UsageError ? error.code : null;
    const stack = error instanceof Error && code === null ? (error.stack ?? "") : "";
    const message = code === null && stack !== "" ? stack : messageOf(error);
    return {
      type: "failed",
      message,
      code: isAway(error) ? "cannot-write" : code,
      away: isAway(error),
    };
  }
}

let current: AbortController | undefined;

process.on("message", (message: ToChild) => {
  if (message.type === "stop") {
    current?.abort();
    return;
  }
  const controller = new AbortController();
  current = controller;
  void answer(message, controller.signal).then((end) => {
    current = undefined;
    tell(end);
  });
});
process.on("disconnect", () => process.exit(0));
// A signal from the terminal also reaches the worker, which asks this process to stop.
for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => undefined);

for (const plugin of setup.plugins) await loadPlugin(plugin);
tell({ type: "ready" });
