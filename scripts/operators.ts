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

Operator sets 1 to 26 of ONNX, what ONNX Runtime writes into files that it has optimised, and the quantisers of QONNX and Brevitas. \`If\` with a condition that is known, and
functions of the file's own, are read too; so are \`Loop\` and \`Scan\` whose number of turns is known (unrolled). What cannot be read is refused
with the operator, the node and what to do. Only what the chosen \`--output\` needs is read, and that may be any value of the file by its name, so
post-processing at the end is no obstacle.

What a file does not say is stated by flags: \`--input-shape 3,224,224\` where it leaves the size of its images open, \`--picture-input NAME\` where
several inputs could take them, \`--constants training=0\` for its other inputs, and \`--block-size\` for a file that was optimised for one kind of CPU
and whose weights do not show which. A file that takes whole numbers (\`uint8\`) is given pixels in [0, 1] times 255, rounded; its gradients are by
the pixels in [0, 1], taken at the bytes that they are rounded to.

Gradients are exact (reverse mode on the expression that a file becomes); "measured" means that the official tests' slopes agree with
differences (\`test/onnx-gradients.long.test.ts\`). Official tests are those of ONNX 1.17 and PyTorch's (\`test/onnx-operators.long.test.ts\`);
the others are compared with ONNX Runtime's own kernels (\`test/onnx-agree.long.test.ts\`). This page is written by \`npx tsx scripts/operators.ts\`.

| operator | read | gradient | tests |
| --- | --- | --- | --- |
${rows.join("\n")}

## Not read

All other operators of the standard domain. A file that needs one is refused; what comes before it can still be audited with \`--output\`.

| operator | why |
| --- | --- |
${refused.join("\n")}
`;
writeFileSync(join(import.meta.dirname, "..", "docs", "operators.md"), text);
console.log(`docs/operators.md: ${rows.length} operators`);
