// Writes docs/operators.md: which operators of ONNX files are read, which have a gradient, and what tests them.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { BLOCKED } from "../src/engine/onnx/import/blocked-weights.ts";
import { importers } from "../src/engine/onnx/import/importers.ts";
import { quantisers } from "../src/engine/onnx/import/quantisers.ts";
import { limitations, unsupported } from "../src/engine/onnx/import/unsupported.ts";
import { agreeCases } from "../test/fixtures/onnx-agree-cases.ts";
import { archivePath, nodesOf, readCase, readCases } from "../test/fixtures/onnx-cases.ts";
import { slopes } from "../test/fixtures/onnx-slopes.ts";

const archive = archivePath();
if (archive === undefined)
  throw new Error(
    "RAMPART_DATA leads to no onnx/ archive of official tests, which the table counts",
  );

const STEPS =
  /^(Sign|Floor|Ceil|Round|.*Quantize.*|QLinear.*|QGemm|.*Integer.*|(Int|Float|Bipolar)?Quant|Trunc)$/;
const NO_GRADIENT =
  /^(LabelEncoder|SequenceLength|OptionalHasElement|Bit.*|Shape|Size|Range|Constant.*|NonZero|EyeLike|OneHot|Arg.*|Hardmax|Is.*|Not|And|Or|Xor|Equal|Greater.*|Less.*)$/;

const official = new Map<string, { tests: number; slopes: number }>();
for (const one of await readCases(archive)) {
  if (one.name.startsWith("simple/") || one.name.endsWith("identity_opt")) continue;
  const { outputs, inputs, feeds } = readCase(one);
  const found = slopes(outputs, inputs, feeds);
  const sloped =
    found !== null && Number.isFinite(found.measured) && Math.abs(found.measured) > 1e-6;
  for (const type of new Set(nodesOf(one.model).map(({ opType }) => opType))) {
    const before = official.get(type) ?? { tests: 0, slopes: 0 };
    official.set(type, { tests: before.tests + 1, slopes: before.slopes + (sloped ? 1 : 0) });
  }
}

const gradientOf = (op: string): string => {
  if (STEPS.test(op)) return "zero; approximate with `--straight-through`";
  if (NO_GRADIENT.test(op)) return "none exists";
  return (official.get(op)?.slopes ?? 0) > 0 ? "yes, measured" : "yes";
};

const rows = Object.entries(importers).flatMap(([domain, table]) =>
  Object.keys(table)
    .sort()
    .map((op) => {
      const tests = domain === "" ? (official.get(op)?.tests ?? 0) : 0;
      const own = agreeCases.filter((one) => one.op === op && (one.domain ?? "") === domain).length;
      const tested = [
        ...(tests > 0 ? [`${tests} official`] : []),
        ...(own > 0 ? [`${own} against ONNX Runtime`] : []),
      ];
      const name = domain === "" ? op : `${domain}.${op}`;
      if (domain === BLOCKED) tested.push("whole files");
      if (/^(Loop|Scan|.*Sequence.*|Optional.*)$/.test(op) || table === quantisers)
        tested.push("by hand");
      const limit = limitations[name] === undefined ? "yes" : `yes: ${limitations[name]}`;
      return `| \`${name}\` | ${limit} | ${gradientOf(op)} | ${tested.join(", ") || "no kernel to compare with"} |`;
    }),
);

const refused = Object.entries(unsupported).map(([op, why]) => `| \`${op}\` | ${why} |`);

const text = `# Operators of ONNX files

\`\`\`sh no-run
npx rampart audit model.onnx --data folder:photos
\`\`\`

This page lists the ONNX operators that Rampart imports. It covers operator sets 1 to 26, the
operators that ONNX Runtime writes into optimised files, and the quantisers of QONNX and Brevitas.
\`npx tsx scripts/operators.ts\` writes it.

- Functions of the file are expanded. \`If\` is read if its condition is constant, \`Loop\` and
  \`Scan\` if their number of iterations is constant.
- Only what the chosen \`--output\` needs is read. So operators after it, such as post-processing, do
  no harm.
- What cannot be read is refused, with the operator, the node and what to do.
- [Model files](model-files.md#inputs) says what to do about several inputs and open shapes.

| column | meaning |
| --- | --- |
| gradient "yes" | exact, by reverse mode on the imported expression |
| "measured" | the slopes of the official tests agree with finite differences (\`test/onnx-gradients.long.test.ts\`) |
| "official" | tests of ONNX 1.17 and of PyTorch (\`test/onnx-operators.long.test.ts\`) |
| "against ONNX Runtime" | compared with its kernels (\`test/onnx-agree.long.test.ts\`) |
| "by hand" | tests with results worked out by hand |

| operator | read | gradient | tests |
| --- | --- | --- | --- |
${rows.join("\n")}

## Not read

The remaining operators of the standard domain. A file that needs one is refused. The part before it
can still be audited with \`--output\`.

| operator | why |
| --- | --- |
${refused.join("\n")}
`;
writeFileSync(join(import.meta.dirname, "..", "docs", "operators.md"), text);
console.log(`docs/operators.md: ${rows.length} operators`);
