import { percent, range } from "../../report/format.ts";
import type { AuditResult } from "../result.ts";
import { auditVerdict, ballText } from "../text.ts";
import type { ResultFormat } from "./result-format.ts";

/** Text in a cell of a Markdown table, on one line. */
const cell = (text: string): string => text.replace(/\s+/g, " ").replace(/([|\\`*_<>])/g, "\\$1");

const row = (...cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

function badge({ valid, passed }: AuditResult): string {
  if (!valid) return "INVALID";
  if (passed === null) return "DONE";
  return passed ? "PASS" : "FAIL";
}

/** Proven images of each ball, by its text; empty without proofs. */
function provenShares({ proofs }: AuditResult): ReadonlyMap<string, string> {
  const shares = (proofs?.balls ?? []).map((ball): [string, string] => [
    ballText(ball),
    percent(ball.proven / ball.examples),
  ]);
  return new Map(shares);
}

/** A summary in Markdown, for a comment on a pull request. */
export const markdown = {
  name: "markdown",
  file: "summary.md",
  summary: "Markdown: the verdict and a table, for a comment on a pull request",
  render(result: AuditResult): string {
    const { model, data, examples, clean, unions, diagnostics, proofs } = result;
    const proven = provenShares(result);
    const heads = ["images", "right", "95 % interval"];
    if (proofs !== null) heads.push(proofs.kind === "proof" ? "proven" : "certified");
    const blank = proofs === null ? [] : [""];
    const lines = [
      `### ${badge(result)}: ${cell(model)}`,
      "",
      auditVerdict(result),
      "",
      row(...heads),
      row(...heads.map((_, i) => (i === 0 ? "---" : "---:"))),
      row("clean", percent(clean.mean), range(clean), ...blank),
    ];
    for (const { balls, accuracy } of unions) {
      const name = balls.map(ballText).join(" or ");
      const share = proofs === null ? [] : [proven.get(name) ?? ""];
      lines.push(row(`under attack, ${name}`, percent(accuracy.mean), range(accuracy), ...share));
    }
    if (diagnostics.length > 0) lines.push("");
    for (const { code, severity, text } of diagnostics)
      lines.push(`- **${severity}**: \`${code}\`: ${cell(text)}`);
    lines.push("", `${examples} test images of ${cell(data)}, budget ${result.budget}.`, "");
    return lines.join("\n");
  },
} as const satisfies ResultFormat;
