// An audit for a terminal.
import { counted, normName, percent, radius, range } from "../report/format.ts";
import { textTable } from "../report/text-table.ts";
import type { AuditNorm, AuditResult } from "./audit-result.ts";

const radii = (norms: readonly AuditNorm[]): string =>
  norms.map(({ norm, epsilon }) => `${normName(norm)} ${radius(epsilon)}`).join(" or ");

/** What the audit says, in one sentence. */
export function auditVerdict({
  valid,
  union,
  clean,
  norms,
  required,
  passed,
  breaksFirst,
}: AuditResult): string {
  const numbers = `${percent(union.mean)} [${range(union)}] of images are right under attack in ${radii(norms)}, ${percent(clean.mean)} without`;
  const first = breaksFirst === null ? "" : `; ${breaksFirst} breaks most`;
  const verdict =
    required === null
      ? ""
      : ` Required: ${percent(required)}, ${passed ? "which it has." : "which it has not."}`;
  return valid
    ? `${numbers}${first}.${verdict}`
    : `These numbers mean nothing until the first diagnostic below is settled: ${numbers}.${verdict}`;
}

const normTable = ({ norm, epsilon, attacks, accuracy8bit }: AuditNorm): string =>
  textTable([
    [
      `${normName(norm)}, ε ${radius(epsilon)}`,
      "tried",
      "broken",
      "accuracy left",
      "95 % interval",
    ],
    ...attacks.map(({ attack, tried, broken, left }) => [
      ...[attack, String(tried), String(broken), percent(left.mean), range(left)],
    ]),
    ["after rounding to 8 bits", "", "", percent(accuracy8bit.mean), range(accuracy8bit)],
  ]);

/** Classes that are shown. */
const SHOWN = 3;

/** The whole audit: verdict, tables, worst classes, diagnostics. */
export function auditText(result: AuditResult): string {
  const { model, data, budget, examples, noise, clean, union, norms, classes, diagnostics } =
    result;
  const noisy = noise === null ? "deterministic" : `with its noise ${noise}, attacked through EOT`;
  const worst = classes
    .slice(0, SHOWN)
    .map(
      ({ name, union: left, clean: before }) =>
        `${name} ${percent(left)} (clean ${percent(before)})`,
    );
  const signs = diagnostics.map(
    ({ code, severity, text, advice }) => `${severity}: ${code}: ${text}\n  → ${advice}`,
  );
  return [
    textTable([[`${model} on ${data}: ${counted(examples, "image")}, budget ${budget}, ${noisy}`]]),
    auditVerdict(result),
    "",
    textTable([
      ["", "accuracy", "95 % interval"],
      ["clean", percent(clean.mean), range(clean)],
      ...norms.map(({ norm, epsilon, accuracy }) => [
        ...[`${normName(norm)}, ε ${radius(epsilon)}`, percent(accuracy.mean), range(accuracy)],
      ]),
      ["union of all attacks", percent(union.mean), range(union)],
    ]),
    ...norms.flatMap((norm) => ["", normTable(norm)]),
    "",
    textTable([[`worst classes: ${worst.join(", ")}`]]),
    ...(signs.length > 0 ? ["", ...signs] : ["", "no diagnostic fired"]),
  ].join("\n");
}
