// What tests of an audit and its batches share: a small data set, files that keep images apart or mix them, and audits of them.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NodeProto } from "onnx-buf";
import { auditNode } from "../audit/node.ts";
import { AuditOptions } from "../audit/options.ts";
import type { AuditResult } from "../audit/result.ts";
import { npzBytes } from "../data/npz.ts";
import { tensor } from "../math/tensor.ts";
import { nodeOf, onnxFile } from "../onnx/model-fixture.ts";
import { nodeRuntime } from "../runtime/node.ts";
import type { Runtime } from "../runtime/runtime.ts";

const folder = mkdtempSync(join(tmpdir(), "rampart-audit-batch-"));
/** Removes what the audits have made. */
export const removeFolder = () => rmSync(folder, { recursive: true });
export const runtime = await nodeRuntime({ threads: 1 });

/** Images of four pixels whose class is whether the first two are brighter, by 0.2. */
const count = 12;
const labels = Array.from({ length: count }, (_, i) => Math.floor(i / 3) % 2);
const pixels = labels.flatMap((label, i) => {
  const base = 0.2 + 0.03 * i;
  return [0, 1, 2, 3].map((pixel) => base + (pixel < 2 === (label === 0) ? 0.2 : 0));
});
const data = join(folder, "d.npz");
writeFileSync(data, npzBytes({ x: tensor([count, 1, 2, 2], pixels), y: tensor([count], labels) }));

export const linear = (to: string) => [
  nodeOf("Flatten", ["x"], ["h"]),
  nodeOf("MatMul", ["h", "w"], [to]),
];
export const dynamic = [
  nodeOf("Flatten", ["x"], ["h"]),
  nodeOf("DynamicQuantizeLinear", ["h"], ["q", "s", "o"]),
  nodeOf("DequantizeLinear", ["q", "s", "o"], ["d"]),
  nodeOf("MatMul", ["d", "w"], ["z"]),
];
export const mixing = [
  ...linear("s"),
  nodeOf("ReduceMean", ["s"], ["mu"], { axes: { ints: [0] } }),
  nodeOf("Sub", ["s", "mu"], ["z"]),
];
let files = 0;
function fileOf(nodes: NodeProto[]): string {
  const path = join(folder, `${files++}.onnx`);
  const w = tensor([4, 2], [1, -1, 1, -1, -1, 1, -1, 1]);
  writeFileSync(
    path,
    onnxFile(nodes, {
      inputs: { x: ["n", 1, 2, 2] },
      outputs: { z: ["n", 2] },
      arrays: { w },
    }),
  );
  return path;
}

interface Audited {
  readonly result: AuditResult;
  readonly out: string;
  readonly notes: readonly string[];
}

/** Audits a file; `onRows` is told when the last row is written. */
export async function audited(
  nodes: NodeProto[],
  batch: number,
  on: Runtime = runtime,
  onRows = () => {},
): Promise<Audited> {
  const out = join(folder, `out-${files}`);
  const notes: string[] = [];
  const options = AuditOptions.parse({
    norms: ["linf"],
    budget: "quick",
    epsilonLinf: [0.05],
    batch,
  });
  for await (const event of auditNode(fileOf(nodes), options, {
    runtime: on,
    data: `npz:${data}`,
    out,
    note: (line) => notes.push(line),
  })) {
    if (event.event === "row" && event.done === event.total) onRows();
    if (event.event === "result") return { result: event.result, out, notes };
  }
  throw new Error("no result");
}

export const diagnostic = ({ diagnostics }: AuditResult, wanted: string) =>
  diagnostics.find(({ code }) => code === wanted);
