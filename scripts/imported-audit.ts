// Audits a ResNet-50 that torchvision exported, and has PyTorch do the same passes. Rates are per second of processor time,
// so that they depend less on what else the machine does.
//
//   npx tsx scripts/imported-audit.ts [--images 64] [--threads 2] [--folder DIR] [--python /usr/bin/python3]
//
// The network has random weights, and its predictions label the images. Passes are counted at the runtime, without the rows
// that fill a batch. PyTorch does them as installed, without the attacks' own arithmetic. Its threads wait for each other by
// spinning; OMP_WAIT_POLICY=passive makes its processor time comparable on a busy machine.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { auditInNode } from "../src/audit/node.ts";
import { AuditOptions } from "../src/audit/options.ts";
import { peakMemory } from "../src/bench/measure.ts";
import { constant, input, matmul } from "../src/engine/graph/ops.ts";
import { nodeRuntime } from "../src/engine/runtime/node.ts";
import type { Feeds, Runtime } from "../src/engine/runtime/runtime.ts";
import { rows, type Tensor, tensor } from "../src/math/tensor.ts";

const { values } = parseArgs({
  options: {
    images: { type: "string", default: "64" },
    threads: { type: "string", default: "2" },
    folder: { type: "string" },
    python: { type: "string", default: "/usr/bin/python3" },
  },
});
const [images, threads] = [Number(values.images), Number(values.threads)];
const folder = values.folder ?? mkdtempSync(join(tmpdir(), "rampart-imported-"));

/** A forward pass, or one with a gradient, and its number of images. */
type Pass = readonly ["forward" | "gradient", number];

/** Operations of one forward pass of an image; a gradient by the image takes as many again (4.09 × 10⁹ multiply-adds). */
const FORWARD = 2 * 4.09e9;

const python = (...args: string[]) =>
  execFileSync(values.python, [join(import.meta.dirname, "imported_audit.py"), ...args], {
    encoding: "utf8",
    env: { ...process.env, OMP_NUM_THREADS: `${threads}`, OPENBLAS_NUM_THREADS: `${threads}` },
  });

/** Images without the rows of zeros at the end, which fill a batch. */
function countImages(x: Tensor): number {
  let count = x.shape[0];
  while (count > 1 && rows(x, count - 1, count).data.every((value) => value === 0)) count--;
  return count;
}

/** The runtime, which lists the passes of its programs and times their compilation. */
function watched(runtime: Runtime) {
  const passes: Pass[] = [];
  const compiled = { programs: 0, compileSeconds: 0 };
  const filling = { rows: 0 };
  const watching: Runtime = {
    target: runtime.target,
    async compile(outputs, options) {
      const kind = "gradient" in outputs ? "gradient" : "forward";
      const start = performance.now();
      const program = await runtime.compile(outputs, options);
      compiled.programs++;
      compiled.compileSeconds += (performance.now() - start) / 1000;
      return {
        run(feeds: Feeds, into) {
          const x = feeds.x as Tensor;
          const images = countImages(x);
          passes.push([kind, images]);
          filling.rows += x.shape[0] - images;
          return program.run(feeds, into);
        },
        release: () => program.release(),
      };
    },
  };
  return { passes, compiled, filling, watching };
}

const processor = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** Operations per second of processor time of a product of two 1536 × 1536 matrices, the fastest of several. */
async function gemmRate(runtime: Runtime): Promise<number> {
  const size = 1536;
  const a = tensor([size, size], new Float32Array(size * size).fill(0.5));
  const program = await runtime.compile({ y: matmul(input("a", a.shape), constant(a)) });
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 12; i++) {
    const before = processor();
    await program.run({ a });
    if (i > 0) best = Math.min(best, processor() - before);
  }
  await program.release();
  return (2 * size ** 3) / best;
}

if (!existsSync(join(folder, "model.onnx"))) python("make", folder, `${images}`);
const runtime = await nodeRuntime({ threads });
const peak = await gemmRate(runtime);
const { passes, compiled, filling, watching } = watched(runtime);
const options = AuditOptions.parse({ budget: "quick", examples: images });
const [start, before] = [performance.now(), processor()];
let last: unknown;
for await (const event of auditInNode(join(folder, "model.onnx"), options, {
  runtime: watching,
  data: `npz:${join(folder, "images.npz")}`,
}))
  last = event.event === "result" ? event.result : null;
const seconds = (performance.now() - start) / 1000;
const ours = processor() - before;
writeFileSync(join(folder, "passes.json"), JSON.stringify({ threads, passes }));
const count = (kind: Pass[0]) =>
  passes.reduce((sum, [each, n]) => sum + (each === kind ? n : 0), 0);
const [forwards, gradients] = [count("forward"), count("gradient")];
const operations = FORWARD * (forwards + 2 * gradients);
console.log(
  JSON.stringify({
    images,
    forwards,
    gradients,
    ...compiled,
    filling: filling.rows,
    seconds,
    processor: ours,
    mebibytes: peakMemory() / 2 ** 20,
    gemmRate: peak,
    share: operations / ours / peak,
  }),
);
console.log(JSON.stringify(last).slice(0, 2000));
const theirs = JSON.parse(python("replay", folder));
console.log(
  JSON.stringify({
    ...theirs,
    ratio: seconds / theirs.seconds,
    ratioOfProcessor: ours / theirs.processor,
  }),
);
