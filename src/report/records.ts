import { members } from "./accuracy-table.ts";
import type { Evaluation } from "./evaluation.ts";

/** One accuracy with everything that says what it is: a line of the CSV, an object of the JSON. */
export type AccuracyRecord = Readonly<Record<string, string | number | null>>;

/** Every accuracy of every evaluation; shares in [0, 1], null where a column does not apply. */
export const records = (evaluations: readonly Evaluation[]): AccuracyRecord[] =>
  evaluations.flatMap(({ label, file, summary, rows }) => {
    const { model, defense, data, protocol, rule, draws } = summary;
    const [{ seed }] = rows;
    const eot = Math.max(1, ...summary.attacks.map((one) => one.eot));
    const common = { label, model, defense, data, protocol, rule, draws, eot, seed };
    const none = { accuracy8bit: null, majority: null, tenOfTen: null, oneDraw: null };
    const blank = { norm: null, epsilon: null, steps: null, restarts: null };
    const costs = { linf: null, l2: null, queries: null, seconds: null };
    const { clean, examples } = summary;
    const share = ({ mean, low, high }: typeof clean) => ({ accuracy: mean, low, high });
    return [
      {
        ...common,
        kind: "clean",
        attack: null,
        ...blank,
        examples,
        ...share(clean),
        ...none,
        oneDraw: summary.cleanOneDraw?.mean ?? null,
        ...costs,
        file,
      },
      ...summary.attacks.map((one) => {
        const row = rows.find(
          ({ attack, epsilon }) => attack === one.attack && epsilon === one.epsilon,
        );
        const { norm, epsilon, attack, majority, accuracy8bit, tenOfTen } = one;
        return {
          ...common,
          eot: one.eot,
          kind: "attack",
          attack,
          norm,
          epsilon,
          steps: row?.steps ?? null,
          restarts: row?.restarts ?? null,
          examples: one.examples,
          ...share(one.accuracy),
          accuracy8bit: accuracy8bit.mean,
          majority: majority.mean,
          tenOfTen,
          oneDraw: one.oneDraw?.mean ?? null,
          linf: one.linf,
          l2: one.l2,
          queries: one.queries,
          seconds: one.seconds,
          file,
        };
      }),
      ...summary.unions
        .filter(({ attacks }) => attacks.length > 1)
        .flatMap((union) => {
          const shared = { attack: members(union), ...blank, examples: union.examples };
          const minimum = { accuracy: union.minOfMeans, low: null, high: null };
          return [
            { ...common, kind: "union", ...shared, ...share(union.union), ...none, ...costs, file },
            { ...common, kind: "min of means", ...shared, ...minimum, ...none, ...costs, file },
          ];
        }),
      ...(summary.ballUnions.length > 1 ? summary.ballUnions : [])
        .filter(({ attacks }) => attacks.length > 1)
        .map((union) => {
          const [{ norm, epsilon }] = union.balls;
          return {
            ...common,
            kind: "union in a ball",
            attack: members(union),
            ...blank,
            norm,
            epsilon,
            examples: union.examples,
            ...share(union.union),
            ...none,
            accuracy8bit: union.union8bit.mean,
            ...costs,
            file,
          };
        }),
      // Every point of a curve over EOT draws; its last one is the attack's own line.
      ...summary.eotCurves.flatMap(({ attack, norm, epsilon, points }) =>
        points.map(({ eot: draws, examples: tried, accuracy }) => ({
          ...common,
          eot: draws,
          kind: "eot",
          attack,
          ...blank,
          norm,
          epsilon,
          examples: tried,
          ...share(accuracy),
          ...none,
          ...costs,
          file,
        })),
      ),
    ];
  });

// A spreadsheet takes =, +, - and @ at the start of text for a formula.
const field = (value: string | number | null): string => {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** The same as comma-separated values with a line of names (RFC 4180, line ends as in Unix). */
export function csv(evaluations: readonly Evaluation[]): string {
  const all = records(evaluations);
  const names = Object.keys(all[0]);
  return [names, ...all.map((record) => names.map((name) => record[name]))]
    .map((values) => `${values.map(field).join(",")}\n`)
    .join("");
}
