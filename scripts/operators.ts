// Writes docs/operators.md: the operators of ONNX files, their gradients and their tests.

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
    "the table counts the official tests of ONNX, and RAMPART_DATA has no archive of them; set RAMPART_DATA to a folder that has",
  );

/** Step functions, whose gradient is zero. */
const STEPS =
  /^(Sign|Floor|Ceil|Round|.*Quantize.*|QLinear.*|QGemm|.*Integer.*|(Int|Float|Bipolar)?Quant|Trunc)$/;
/** Operators with an integer or bool result, or without an input that has a gradient. */
const NO_GRADIENT =
  /^(LabelEncoder|SequenceLength|OptionalHasElement|Bit.*|Shape|Size|Range|Constant.*|NonZero|EyeLike|OneHot|Arg.*|Hardmax|Is.*|Not|And|Or|Xor|Equal|Greater.*|Less.*)$/;

/** Operators whose tests have results worked out by hand. */
const BY_HAND = /^(Loop|Scan|.*Sequence.*|Optional.*)$/;

/** Official tests by operator, and how many of them measure a gradient. */
interface Official {
  readonly tests: number;
  readonly gradients: number;
}

async function officialTests(path: string): Promise<Map<string, Official>> {
  const official = new Map<string, Official>();
  for (const one of await readCases(path)) {
    if (one.name.startsWith("simple/") || one.name.endsWith("identity_opt")) continue;
    const { outputs, inputs, feeds } = readCase(one);
    const found = slopes(outputs, inputs, feeds);
    const hasGradient =
      found !== null && Number.isFinite(found.measured) && Math.abs(found.measured) > 1e-6;
    for (const type of new Set(nodesOf(one.model).map(({ opType }) => opType))) {
      const { tests, gradients } = official.get(type) ?? { tests: 0, gradients: 0 };
      official.set(type, { tests: tests + 1, gradients: gradients + (hasGradient ? 1 : 0) });
    }
  }
  return official;
}

const official = await officialTests(archive);

function gradientOf(op: string): string {
  if (STEPS.test(op)) return "zero; approximate with `--straight-through`";
  if (NO_GRADIENT.test(op)) return "none exists";
  return (official.get(op)?.gradients ?? 0) > 0 ? "yes, measured" : "yes";
}

/** What tests an operator: "5 official, 1 against ONNX Runtime". */
function testsOf(domain: string, op: string): string {
  const kinds: string[] = [];
  const tests = domain === "" ? (official.get(op)?.tests ?? 0) : 0;
  if (tests > 0) kinds.push(`${tests} official`);
  const compared = agreeCases.filter((one) => one.op === op && (one.domain ?? "") === domain);
  if (compared.length > 0) kinds.push(`${compared.length} against ONNX Runtime`);
  if (domain === BLOCKED) kinds.push("whole files");
  if (BY_HAND.test(op) || importers[domain] === quantisers) kinds.push("by hand");
  return kinds.length === 0 ? "no kernel to compare with" : kinds.join(", ");
}

function rowOf(domain: string, op: string): string {
  const name = domain === "" ? op : `${domain}.${op}`;
  const limitation = limitations[name];
  const support = limitation === undefined ? "yes" : `yes: ${limitation}`;
  return `| \`${name}\` | ${support} | ${gradientOf(op)} | ${testsOf(domain, op)} |`;
}

const rows = Object.entries(importers).flatMap(([domain, table]) =>
  Object.keys(table)
    .sort()
    .map((op) => rowOf(domain, op)),
);

const unsupportedRows = Object.entries(unsupported).map(([op, why]) => `| \`${op}\` | ${why} |`);

const text = `# Operators of ONNX files

\`\`\`sh
npx rampart audit model.onnx --data folder:photos
\`\`\`

This page lists the ONNX operators that Rampart imports. It covers operator sets 1 to 26, the
operators that ONNX Runtime writes into optimised files, and the quantisers of QONNX and Brevitas.
\`npx tsx scripts/operators.ts\` writes it.

- Functions of the file are expanded. \`If\` is supported if its condition is constant, \`Loop\` and
  \`Scan\` if their number of iterations is constant.
- Rampart imports only the nodes that the chosen \`--output\` depends on. Operators after that output,
  such as post-processing, may be unsupported.
- If the output depends on an [unsupported operator](#unsupported-operators), the command ends with
  an error that names the operator and the node.
- [Model files](model-files.md#inputs) says what to do about several inputs and open shapes.

| column | meaning |
| --- | --- |
| gradient "yes" | exact, by reverse mode on the imported expression |
| "measured" | the slopes of the official tests agree with finite differences (\`test/onnx-gradients.long.test.ts\`) |
| "official" | tests of ONNX 1.17 and of PyTorch (\`test/onnx-operators.long.test.ts\`) |
| "against ONNX Runtime" | compared with its kernels (\`test/onnx-agree.long.test.ts\`) |
| "by hand" | tests with results worked out by hand |

| operator | supported | gradient | tests |
| --- | --- | --- | --- |
${rows.join("\n")}

## Unsupported operators

Rampart cannot import the other operators of the standard ONNX domain. It opens no model whose class
scores depend on one of them. Two things help:

- If the operator comes after the scores, choose the scores with \`--output NAME\`.
- Otherwise export the model again without the operator.

| operator | reason |
| --- | --- |
${unsupportedRows.join("\n")}
`;
writeFileSync(join(import.meta.dirname, "..", "docs", "operators.md"), text);
console.log(`docs/operators.md: ${rows.length} operators`);
