import type { EotCurve } from "../evaluate/eot-curve.ts";
import type { AttackSummary } from "../evaluate/summary.ts";
import type { UnionSummary } from "../evaluate/union.ts";
import type { Interval } from "../math/statistics.ts";
import { ballUnionsShown, members } from "./accuracy-table.ts";
import type { Evaluation } from "./evaluation.ts";

/** One accuracy with all identifying fields: a line of the CSV, an object of the JSON. */
export type AccuracyRecord = Readonly<Record<string, string | number | null>>;

type Share = Pick<AccuracyRecord, "accuracy" | "low" | "high">;

const NOT_MEASURED = { accuracy8bit: null, majority: null, tenOfTen: null, oneDraw: null };
const NO_ATTACK = { norm: null, epsilon: null, steps: null, restarts: null };
const NO_COSTS = { linf: null, l2: null, queries: null, seconds: null };

const shareOf = ({ mean, low, high }: Interval): Share => ({ accuracy: mean, low, high });

/** The columns that all records of an evaluation share. */
function commonOf({ label, summary, rows }: Evaluation): AccuracyRecord {
  const { model, defense, data, protocol, rule, draws } = summary;
  const [{ seed }] = rows;
  const eot = Math.max(1, ...summary.attacks.map((one) => one.eot));
  return { label, model, defense, data, protocol, rule, draws, eot, seed };
}

function cleanRecord(evaluation: Evaluation): AccuracyRecord {
  const { file, summary } = evaluation;
  return {
    ...commonOf(evaluation),
    kind: "clean",
    attack: null,
    ...NO_ATTACK,
    examples: summary.examples,
    ...shareOf(summary.clean),
    ...NOT_MEASURED,
    oneDraw: summary.cleanOneDraw?.mean ?? null,
    ...NO_COSTS,
    file,
  };
}

function attackRecord(evaluation: Evaluation, one: AttackSummary): AccuracyRecord {
  const { attack, norm, epsilon } = one;
  const row = evaluation.rows.find(
    (candidate) => candidate.attack === attack && candidate.epsilon === epsilon,
  );
  return {
    ...commonOf(evaluation),
    eot: one.eot,
    kind: "attack",
    attack,
    norm,
    epsilon,
    steps: row?.steps ?? null,
    restarts: row?.restarts ?? null,
    examples: one.examples,
    ...shareOf(one.accuracy),
    accuracy8bit: one.accuracy8bit.mean,
    majority: one.majority.mean,
    tenOfTen: one.tenOfTen,
    oneDraw: one.oneDraw?.mean ?? null,
    linf: one.linf,
    l2: one.l2,
    queries: one.queries,
    seconds: one.seconds,
    file: evaluation.file,
  };
}

function unionRecord(
  evaluation: Evaluation,
  union: UnionSummary,
  kind: string,
  share: Share,
): AccuracyRecord {
  return {
    ...commonOf(evaluation),
    kind,
    attack: members(union),
    ...NO_ATTACK,
    examples: union.examples,
    ...share,
    ...NOT_MEASURED,
    ...NO_COSTS,
    file: evaluation.file,
  };
}

/** The union over norms, and the lowest of its attacks' accuracies. */
const unionRecords = (evaluation: Evaluation, union: UnionSummary): AccuracyRecord[] => [
  unionRecord(evaluation, union, "union", shareOf(union.union)),
  unionRecord(evaluation, union, "min of means", {
    accuracy: union.minOfMeans,
    low: null,
    high: null,
  }),
];

function ballRecord(evaluation: Evaluation, union: UnionSummary): AccuracyRecord {
  const [{ norm, epsilon }] = union.balls;
  return {
    ...unionRecord(evaluation, union, "union in a ball", shareOf(union.union)),
    norm,
    epsilon,
    accuracy8bit: union.union8bit.mean,
  };
}

/** Every point of a curve over EOT draws; the last one repeats the attack's own record. */
const eotRecords = (evaluation: Evaluation, curve: EotCurve): AccuracyRecord[] =>
  curve.points.map(({ eot, examples, accuracy }) => ({
    ...commonOf(evaluation),
    eot,
    kind: "eot",
    attack: curve.attack,
    ...NO_ATTACK,
    norm: curve.norm,
    epsilon: curve.epsilon,
    examples,
    ...shareOf(accuracy),
    ...NOT_MEASURED,
    ...NO_COSTS,
    file: evaluation.file,
  }));

/** Every accuracy of every evaluation. Shares are in [0, 1]; null where a column does not apply. */
export const records = (evaluations: readonly Evaluation[]): AccuracyRecord[] =>
  evaluations.flatMap((evaluation) => {
    const { summary } = evaluation;
    return [
      cleanRecord(evaluation),
      ...summary.attacks.map((one) => attackRecord(evaluation, one)),
      ...summary.unions
        .filter(({ attacks }) => attacks.length > 1)
        .flatMap((union) => unionRecords(evaluation, union)),
      ...ballUnionsShown(summary).map((union) => ballRecord(evaluation, union)),
      ...summary.eotCurves.flatMap((curve) => eotRecords(evaluation, curve)),
    ];
  });

/** One value of a CSV file. Spreadsheets treat text that starts with =, +, - or @ as a formula, so such text gets a quote. */
const field = (value: string | number | null): string => {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const harmless = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
};

/** The records as comma-separated values with a header line (RFC 4180, with Unix line ends). */
export function csv(evaluations: readonly Evaluation[]): string {
  const all = records(evaluations);
  const names = Object.keys(all[0]);
  return [names, ...all.map((record) => names.map((name) => record[name]))]
    .map((values) => `${values.map(field).join(",")}\n`)
    .join("");
}
