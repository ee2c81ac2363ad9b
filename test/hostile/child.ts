// Opens files as the command line does, one after the other, and runs each once: a line of JSON on stdout for each of the
// mutants FROM to TO (exclusive). A parent watches for a line that does not come, and for a process that ends early.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeRuntime } from "../../src/engine/runtime/node.ts";
import { keyOf, keysFor } from "../../src/math/random.ts";
import { tensor } from "../../src/math/tensor.ts";
import { UsageError } from "../../src/math/usage-error.ts";
import { classifier } from "../../src/models/classifier.ts";
import { openModelInNode } from "../../src/models/opening/node.ts";
import { mutant } from "./mutants.ts";
import { type Outcome, watchReads } from "./outcome.ts";

const [from, to] = process.argv.slice(2).map(Number);
const place = mkdtempSync(join(tmpdir(), "rampart-hostile-"));
process.on("exit", () => rmSync(place, { recursive: true, force: true }));
const folder = join(place, "models");
mkdirSync(folder);
// What a file that points outside its folder would find there.
writeFileSync(join(place, "outside.bin"), new Uint8Array(4096));
const runtime = await nodeRuntime({ threads: 1 });
const reads = watchReads();

/** The most memory that this process has held since the last call, in bytes; 0 where the system does not say. */
function peak(): number {
  try {
    const [, kib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    writeFileSync("/proc/self/clear_refs", "5");
    return Number(kib) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}

async function opened(path: string): Promise<Pick<Outcome, "end" | "message">> {
  try {
    const { architecture, parameters } = await openModelInNode(path, { runtime });
    const network = classifier(runtime, architecture, parameters);
    const x = tensor([1, ...architecture.inputShape]);
    const logits = await network.logits(x, keysFor(keyOf(0), [0]));
    await network.release();
    if (logits.shape.join() !== `1,${architecture.classes}`)
      return { end: "bug", message: `logits of [${logits.shape.join(", ")}]` };
    return { end: "logits", message: "" };
  } catch (error) {
    if (error instanceof UsageError) return { end: "refused", message: error.message };
    return { end: "bug", message: (error as Error).stack ?? String(error) };
  }
}

for (let i = from; i < to; i++) {
  process.stdout.write(`${JSON.stringify({ start: i, name: "(being made)" })}\n`);
  const { name, bytes, beside } = mutant(i);
  const path = join(folder, "model.onnx");
  writeFileSync(path, bytes);
  for (const [file, content] of Object.entries(beside)) writeFileSync(join(folder, file), content);
  process.stdout.write(`${JSON.stringify({ start: i, name })}\n`);
  peak();
  reads.length = 0;
  const start = performance.now();
  const cpu = process.cpuUsage();
  const { end, message } = await opened(path);
  const seconds = (performance.now() - start) / 1000;
  const used = process.cpuUsage(cpu);
  const outside = reads.filter((one) => !one.startsWith(folder));
  const outcome: Outcome = {
    index: i,
    name,
    end,
    message: message.slice(0, 1000),
    seconds,
    outside,
    cpuSeconds: (used.user + used.system) / 1e6,
    bytes: peak(),
  };
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}
