// An audit for a terminal.
import { counted, normName, percent, radius, range } from "../report/format.ts";
import { textTable } from "../report/text-table.ts";
import { type AuditNorm, type AuditResult, atLargest } from "./result.ts";

const radii = (norms: readonly AuditNorm[]): string =>
  norms.map(({ norm, epsilon }) => `${normName(norm)} ${radius(epsilon)}`).join(" or ");

/** What was required, and whether the classifier has it. */
function requirement({ required, passed, valid }: AuditResult): string {
  if (required === null) return "";
  const answer = passed
    ? "which it has"
    : valid
      ? "which it has not"
      : "which nobody can say before that";
  return ` Required: ${percent(required)}, ${answer}.`;
}

/** What the audit says, in a sentence or two. */
export function auditVerdict(result: AuditResult): string {
  const { valid, union, clean, breaksFirst } = result;
  const norms = atLargest(result.norms);
  const numbers = `${percent(union.mean)} [${range(union)}] of images are right under attack in ${radii(norms)}, ${percent(clean.mean)} without`;
  if (!valid)
    return `These numbers mean nothing until the first diagnostic below is settled: ${numbers}.${requirement(result)}`;
  const found = norms
    .flatMap((norm) => norm.attacks.map((one) => ({ ...one, norm })))
    .find(({ attack }) => attack === breaksFirst);
  const first =
    found === undefined
      ? " No attack broke any image."
      : ` ${normName(found.norm.norm)} breaks first${norms.length > 1 ? ` (${percent(found.norm.accuracy.mean)} left)` : ""}: ${found.attack} alone broke ${found.broken} of the ${counted(found.tried, "image")} it met.`;
  return `${numbers}.${first}${requirement(result)}`;
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
    ...atLargest(norms).flatMap((norm) => ["", normTable(norm)]),
    "",
    textTable([[`worst classes: ${worst.join(", ")}`]]),
    ...(signs.length > 0 ? ["", ...signs] : ["", "no diagnostic fired"]),
  ].join("\n");
}
