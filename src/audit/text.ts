// An audit as text for a terminal.
import {
  counted,
  epsilonText,
  listed,
  normName,
  percent,
  percentsApart,
  radiusText,
  range,
} from "../report/format.ts";
import { provenSentence } from "../report/proven-balls.ts";
import { textTable } from "../report/text-table.ts";
import { contradictionText } from "./prove/contradiction.ts";
import { type AuditNorm, type AuditResult, type AuditUnion, atLargest } from "./result.ts";
import { smallestSentence } from "./smallest/words.ts";

type Ball = AuditUnion["balls"][number];

/** `ℓ∞ 8/255`, or `ℓ0 3 pixels`. */
export const ballText = ({ norm, epsilon }: Ball): string =>
  `${normName(norm)} ${radiusText(norm, epsilon)}`;

const radii = (norms: readonly AuditNorm[]): string => norms.map(ballText).join(" or ");

/** The name of a union: `all attacks in ℓ∞ 8/255`, or `union of all attacks in ℓ∞ 8/255 or ℓ2 0.5`. */
export function unionText(balls: readonly Ball[]): string {
  const several = balls.length > 1 ? "union of all attacks" : "all attacks";
  return `${several} in ${balls.map(ballText).join(" or ")}`;
}

/** The norm, radius and attack that break most, as a sentence. */
export function breaksFirst({ norms, weakestNorms, strongestAttacks }: AuditResult): string {
  const largest = atLargest(norms);
  const all = largest.filter(({ norm }) => weakestNorms.includes(norm));
  const [weakest] = all;
  if (weakest === undefined) return "No attack broke any image.";
  const left = percent(weakest.accuracy.mean);
  if (weakestNorms.length > 1)
    return `Nothing breaks first: ${listed(all.map(ballText))} leave the same (${left}).`;
  const first = `${ballText(weakest)} breaks first${largest.length > 1 ? ` (${left} left)` : ""}`;
  const [attack, ...others] = weakest.attacks.filter((one) =>
    strongestAttacks.includes(one.attack),
  );
  if (attack === undefined) return `${first}.`;
  if (others.length === 0)
    return `${first}: ${attack.attack} alone broke ${attack.broken} of the ${counted(attack.tried, "image")} it was given.`;
  return `${first}: ${listed(strongestAttacks)} broke ${attack.broken} each, and no attack broke more.`;
}

/** The required accuracy and whether it was reached; empty if none was required. */
function requirement({ required, passed, valid, union }: AuditResult): string {
  if (required === null) return "";
  if (!valid)
    return ` Required: ${percent(required)}, undetermined until that diagnostic is resolved.`;
  if (passed) return ` Required: ${percent(required)}, reached.`;
  const [reached, wanted] = percentsApart(union.mean, required);
  const exact = wanted === percent(required) ? "" : ` (${reached} are right)`;
  return ` Required: ${wanted}, not reached${exact}.`;
}

/** The proofs at the largest radius of each norm; empty without proofs. */
function provenText({ proofs, norms }: AuditResult): string {
  if (proofs === null) return "";
  const largest = atLargest(norms).map(ballText);
  const shown = proofs.balls.filter((ball) => largest.includes(ballText(ball)));
  const sentences = shown.map((ball) => {
    const sentence = provenSentence(ball, proofs.kind);
    return largest.length === 1 ? sentence : `${ballText(ball)}: ${sentence}`;
  });
  return ` ${sentences.join(" ")}`;
}

/** The verdict in two or three sentences, and the proofs. */
export function auditVerdict(result: AuditResult): string {
  const { valid, union, clean, proofs } = result;
  if (proofs !== null && proofs.contradictions.length > 0)
    return proofs.contradictions.map((one) => `${contradictionText(one, proofs.kind)}.`).join(" ");
  const norms = atLargest(result.norms);
  const numbers = `${percent(union.mean)} [${range(union)}] of images are right under attack in ${radii(norms)}, ${percent(clean.mean)} without`;
  if (!valid)
    return `These numbers are meaningless until the first diagnostic below is resolved: ${numbers}.${requirement(result)}`;
  return `${numbers}.${provenText(result)} ${breaksFirst(result)}${requirement(result)}`;
}

/** The radius at which half of the images break; empty without a search, or if the result is invalid. */
export function smallestLines({ smallest, valid, examples }: AuditResult): string[] {
  if (smallest === null || !valid) return [];
  const part = smallest
    .filter(({ images }) => images < examples)
    .map(({ norm, images }) => `${images.toLocaleString("en")} in ${normName(norm)}`);
  const sentence = smallestSentence(smallest);
  if (part.length === 0) return [sentence];
  return [
    `${sentence} The time ended before all ${counted(examples, "image")} were searched: ${listed(part)}.`,
  ];
}

/** The progress of timed attacks, a sentence per ball; empty without --minutes. */
export const convergenceLines = ({ convergence, valid }: AuditResult): string[] =>
  (valid ? (convergence ?? []) : []).map((one) => {
    const { attacked, right, falling, autoattack } = one;
    const { low, high } = autoattack;
    const reached =
      attacked === right ? "" : `, ${attacked} of ${counted(right, "image")} attacked so far`;
    return `${ballText(one)}: AutoAttack would leave ${percent(low)} to ${percent(high)}; the margin of ${percent(falling)} of the survivors still fell at the end${reached}.`;
  });

const textLines = (cells: readonly (readonly string[])[]): string[] => textTable(cells).split("\n");

const normTable = ({ norm, epsilon, attacks, accuracy8bit }: AuditNorm): string[] =>
  textLines([
    [
      `${normName(norm)}, ${epsilonText(norm, epsilon)}`,
      "tried",
      "broken",
      "accuracy left",
      "95 % interval",
    ],
    ...attacks.map(({ attack, tried, broken, left }) => [
      attack,
      String(tried),
      String(broken),
      percent(left.mean),
      range(left),
    ]),
    ["after rounding to 8 bits", "", "", percent(accuracy8bit.mean), range(accuracy8bit)],
  ]);

/** Proven, broken and undecided images of each ball; empty without proofs. */
function provenLines({ proofs }: AuditResult): string[] {
  if (proofs === null) return [];
  const heads = ["", proofs.kind === "proof" ? "proven" : "certified", "broken", "undecided"];
  const lines = proofs.balls.map((ball) => [
    ballText(ball),
    ...[ball.proven, ball.broken, ball.undecided].map((count) => percent(count / ball.examples)),
  ]);
  return ["", ...textLines([heads, ...lines])];
}

/** The number of classes shown. */
const MAX_CLASSES = 3;

/** The whole audit as lines: verdict, tables, worst classes, diagnostics. */
export function auditLines(result: AuditResult): string[] {
  const { model, data, budget, examples, head, noise, clean, union, norms, classes, diagnostics } =
    result;
  const noisy = noise === null ? "deterministic" : `with its noise ${noise}, attacked through EOT`;
  const overNorms = result.unions.filter(({ balls }) => balls.length > 1);
  const worst = classes
    .slice(0, MAX_CLASSES)
    .map(
      ({ name, union: left, clean: before }) =>
        `${name} ${percent(left)} (clean ${percent(before)})`,
    );
  const findings = diagnostics.flatMap(({ code, severity, text, advice }) => [
    `${severity}: ${code}: ${text}`,
    `  → ${advice}`,
  ]);
  if (findings.length === 0) findings.push("no diagnostic fired");
  return [
    ...textLines([
      [`${model} on ${data}: ${counted(examples, "image")}, budget ${budget}, ${noisy}`],
    ]),
    ...head,
    ...smallestLines(result),
    auditVerdict(result),
    ...convergenceLines(result),
    "",
    ...textLines([
      ["", "accuracy", "95 % interval"],
      ["clean", percent(clean.mean), range(clean)],
      ...norms.map(({ norm, epsilon, accuracy }) => [
        unionText([{ norm, epsilon }]),
        percent(accuracy.mean),
        range(accuracy),
      ]),
      ...overNorms.map(({ balls }) => [unionText(balls), percent(union.mean), range(union)]),
    ]),
    ...provenLines(result),
    ...atLargest(norms).flatMap((norm) => ["", ...normTable(norm)]),
    "",
    ...textLines([[`worst classes: ${worst.join(", ")}`]]),
    "",
    ...findings,
  ];
}

/** The lines of an audit as one text. */
export const auditText = (result: AuditResult): string => auditLines(result).join("\n");
