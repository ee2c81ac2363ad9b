import type { Row } from "../evaluate/row.ts";
import { type Summary, summarize } from "../evaluate/summary.ts";
import type { Interval } from "../math/statistics.ts";
import { type PrintedColumn, printedTable4, thirteen } from "./printed.ts";
import { atRadius } from "./regions.ts";

/** A measured accuracy and its number of images. */
export interface Measured extends Interval {
  readonly examples: number;
}

/** Accuracies of one defence under one protocol; null where rows are missing. */
export interface ProtocolColumn {
  readonly natural: Measured | null;
  readonly pgdLinf: Measured | null;
  readonly pgdL2: Measured | null;
  readonly cwL2: Measured | null;
  /** Accuracy under the worst of the two PGD attacks for each image. */
  readonly unionPgd: Measured | null;
  /** Accuracy under the worst of all three attacks for each image; under `sound`, C&W counts within the ℓ2 radius. */
  readonly union: Measured | null;
  /** The lowest of the attacks' accuracies, the paper's "min accuracy": an upper bound of the union. */
  readonly minOfMeans: number | null;
}

/** Accuracy of one noisy prediction, for a randomised classifier under the attacks of the published protocol. */
export interface OneDraw {
  readonly natural: number | null;
  readonly pgdLinf: number | null;
  readonly pgdL2: number | null;
  readonly cwL2: number | null;
}

/** One column of Table 4. */
export interface Table4Column {
  readonly defense: string;
  /** The noise, such as `normal:0.25`, for pixels in [0, 1]; null for a deterministic classifier. */
  readonly noise: string | null;
  readonly published: ProtocolColumn;
  readonly oneDraw: OneDraw | null;
  readonly sound: ProtocolColumn;
  readonly printed: PrintedColumn;
  /** Seconds of training divided by those of AT-ℓ∞; null if either is unknown. */
  readonly trainingTime: number | null;
  /** The same ratio of counted floating-point operations, which do not depend on the load of the machine. */
  readonly trainingWork: number | null;
}

/** Stored results of one defence. */
export interface DefenseResult {
  readonly noise: string | null;
  /** Rows by kind of measurement. */
  readonly rows: Readonly<Record<string, readonly Row[]>>;
  /** Seconds of training; null if unknown. */
  readonly seconds: number | null;
  /** Floating-point operations of training; null if unknown. */
  readonly flops: number | null;
}

const empty: ProtocolColumn = {
  natural: null,
  pgdLinf: null,
  pgdL2: null,
  cwL2: null,
  unionPgd: null,
  union: null,
  minOfMeans: null,
};

const attacked = ({ attack }: Row) => attack !== "none";
const pgdOnly = ({ attack }: Row) => attack.startsWith("pgd-");

/** The accuracy of one attack. */
const accuracyOf = (summary: Summary | null, name: string): Measured | null => {
  const found = summary?.attacks.findLast(({ attack }) => attack === name);
  return found === undefined ? null : { ...found.accuracy, examples: found.examples };
};

const unionOf = (summary: Summary | null): Measured | null => {
  const last = summary?.unions.at(-1);
  return last === undefined || last.examples === 0
    ? null
    : { ...last.union, examples: last.examples };
};

const summaryOf = (rows: readonly Row[]): Summary | null =>
  rows.length === 0 ? null : summarize(rows);

function protocolColumn(natural: readonly Row[], rows: readonly Row[]): ProtocolColumn {
  const all = summaryOf(rows.filter(attacked));
  const clean = summaryOf(natural);
  const names = ["pgd-linf", "pgd-l2", "cw-l2"];
  const measured = names.map((name) => accuracyOf(all, name));
  const [pgdLinf, pgdL2, cwL2] = measured;
  const means = measured.flatMap((one) => (one === null ? [] : [one.mean]));
  return {
    ...empty,
    pgdLinf,
    pgdL2,
    cwL2,
    natural: clean === null ? null : { ...clean.clean, examples: clean.examples },
    unionPgd: unionOf(summaryOf(rows.filter(pgdOnly))),
    union: means.length === names.length ? unionOf(all) : null,
    minOfMeans: means.length === names.length ? Math.min(...means) : null,
  };
}

const meanOneDraw = (rows: readonly Row[], attack: string): number | null => {
  const scored = rows.filter((row) => row.attack === attack && typeof row.oneDraw === "number");
  return scored.length === 0
    ? null
    : scored.reduce((sum, { oneDraw }) => sum + Number(oneDraw), 0) / scored.length;
};

/** The rows of each protocol. Both protocols share the PGD rows of a deterministic model; `sound` bounds C&W. */
function byProtocol({ noise, rows }: DefenseResult, radiusL2: number) {
  const { natural = [], published = [], sound = [], cw = [] } = rows;
  if (noise !== null)
    return {
      published: { natural, rows: published },
      sound: { natural: sound, rows: [...sound, ...cw] },
    };
  const clean = published.filter((row) => !attacked(row));
  return {
    published: { natural: clean, rows: published },
    sound: {
      natural: clean,
      rows: [...published.filter(pgdOnly), ...atRadius(published, radiusL2)],
    },
  };
}

/** Table 4 from the stored results by defence; a defence without results has an empty column. */
export function table4(
  results: Readonly<Record<string, DefenseResult>>,
  radiusL2: number,
): Table4Column[] {
  const at = results["at-linf"];
  const relative = (value: number | null | undefined, base: number | null | undefined) =>
    value === null || value === undefined || !base ? null : value / base;
  return thirteen.map((defense) => {
    const result = results[defense];
    const printed = printedTable4[defense];
    const times = {
      trainingTime: relative(result?.seconds, at?.seconds),
      trainingWork: relative(result?.flops, at?.flops),
    };
    if (result === undefined)
      return {
        defense,
        noise: null,
        published: empty,
        sound: empty,
        oneDraw: null,
        printed,
        ...times,
      };
    const { published, sound } = byProtocol(result, radiusL2);
    const drawn = [...published.natural, ...published.rows];
    return {
      defense,
      noise: result.noise,
      printed,
      ...times,
      published: protocolColumn(published.natural, published.rows),
      sound: protocolColumn(sound.natural, sound.rows),
      oneDraw:
        result.noise === null
          ? null
          : {
              natural: meanOneDraw(drawn, "none"),
              pgdLinf: meanOneDraw(drawn, "pgd-linf"),
              pgdL2: meanOneDraw(drawn, "pgd-l2"),
              cwL2: meanOneDraw(drawn, "cw-l2"),
            },
    };
  });
}
