import type { Row } from "../evaluate/row.ts";
import { type Summary, summarize } from "../evaluate/summary.ts";
import type { DefenseResult, LowerBounds, Measured } from "./defense-result.ts";
import { type PrintedColumn, printedTable4, thirteen } from "./printed.ts";
import { equalSections, type Section, type Sections, sectionsOf } from "./sections.ts";

/** Accuracies of one defence under one protocol; null where rows are missing. */
export interface ProtocolColumn {
  readonly natural: Measured | null;
  readonly pgdLinf: Measured | null;
  readonly pgdL2: Measured | null;
  readonly cwL2: Measured | null;
  /** Accuracy under the worst of the two PGD attacks for each image. */
  readonly unionPgd: Measured | null;
  readonly autoLinf: Measured | null;
  readonly autoL2: Measured | null;
  /** Accuracy under the worst of AutoAttack in both norms for each image. */
  readonly unionAuto: Measured | null;
  /** Accuracy under the worst of PGD and C&W for each image; under `sound`, C&W counts within the ℓ2 radius. */
  readonly union: Measured | null;
  /** The lowest accuracy of PGD and C&W on the images of `union`, the paper's "min accuracy": an upper bound of it. */
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
  /** What no attack can break; null if nothing was proven or certified. */
  readonly lower: LowerBounds | null;
  readonly printed: PrintedColumn;
  /** Seconds of training divided by those of AT-ℓ∞; null if either is unknown. */
  readonly trainingTime: number | null;
  /** The same ratio of counted floating-point operations, which do not depend on the load of the machine. */
  readonly trainingWork: number | null;
}

/** How Table 4 is made of stored results. */
export interface Table4Options {
  /** The ℓ2 radius within which C&W counts under `sound`, for pixels in [0, 1]. */
  readonly radiusL2: number;
  /** `all` images that a defence has, or per row of the table only those that all defences have. */
  readonly images: "all" | "common";
}

const empty: ProtocolColumn = {
  natural: null,
  pgdLinf: null,
  pgdL2: null,
  cwL2: null,
  unionPgd: null,
  autoLinf: null,
  autoL2: null,
  unionAuto: null,
  union: null,
  minOfMeans: null,
};

/** The accuracy of one attack. */
const accuracyOf = (summary: Summary | null, name: RegExp): Measured | null => {
  const found = summary?.attacks.findLast(({ attack }) => name.test(attack));
  return found === undefined ? null : { ...found.accuracy, examples: found.examples };
};

const summaryOf = (rows: readonly Row[]): Summary | null =>
  rows.length === 0 ? null : summarize(rows);

/** The last union of `attacks` different attacks; null if some were not run, or on no common image. */
function unionOf(summary: Summary | null, attacks: number) {
  const last = summary?.unions.at(-1);
  if (last === undefined || last.examples === 0 || last.attacks.length < attacks) return null;
  const accuracy: Measured = { ...last.union, examples: last.examples };
  return { accuracy, minOfMeans: last.minOfMeans };
}

function protocolColumn({ natural, pgd, cw, autoattack }: Section): ProtocolColumn {
  const clean = summaryOf(natural);
  const [ofPgd, ofCw, ofAuto] = [pgd, cw, autoattack].map(summaryOf);
  const all = unionOf(summaryOf([...pgd, ...cw]), 3);
  return {
    natural: clean === null ? null : { ...clean.clean, examples: clean.examples },
    pgdLinf: accuracyOf(ofPgd, /^pgd-linf$/),
    pgdL2: accuracyOf(ofPgd, /^pgd-l2$/),
    unionPgd: unionOf(ofPgd, 2)?.accuracy ?? null,
    cwL2: accuracyOf(ofCw, /^cw-l2$/),
    autoLinf: accuracyOf(ofAuto, /^autoattack-linf/),
    autoL2: accuracyOf(ofAuto, /^autoattack-l2/),
    unionAuto: unionOf(ofAuto, 2)?.accuracy ?? null,
    union: all?.accuracy ?? null,
    minOfMeans: all?.minOfMeans ?? null,
  };
}

const meanOneDraw = (rows: readonly Row[], attack: string): number | null => {
  const scored = rows.filter((row) => row.attack === attack && typeof row.oneDraw === "number");
  return scored.length === 0
    ? null
    : scored.reduce((sum, { oneDraw }) => sum + Number(oneDraw), 0) / scored.length;
};

const oneDrawOf = ({ natural, pgd, cw }: Section): OneDraw => ({
  natural: meanOneDraw(natural, "none"),
  pgdLinf: meanOneDraw(pgd, "pgd-linf"),
  pgdL2: meanOneDraw(pgd, "pgd-l2"),
  cwL2: meanOneDraw(cw, "cw-l2"),
});

const ratio = (value: number | null | undefined, base: number | null | undefined) =>
  value === null || value === undefined || !base ? null : value / base;

/** Table 4 from the stored results by defence; a defence without results has an empty column. */
export function table4(
  results: Readonly<Record<string, DefenseResult>>,
  { radiusL2, images }: Table4Options,
): Table4Column[] {
  const at = results["at-linf"];
  const all = new Map<string, Sections>(
    thirteen.flatMap((defense) =>
      defense in results ? [[defense, sectionsOf(results[defense], radiusL2)]] : [],
    ),
  );
  const sections = images === "common" ? equalSections(all) : all;
  return thirteen.map((defense) => {
    const result = results[defense];
    const own = sections.get(defense);
    const noise = result?.noise ?? null;
    return {
      defense,
      noise,
      published: own === undefined ? empty : protocolColumn(own.published),
      oneDraw: own === undefined || noise === null ? null : oneDrawOf(own.published),
      sound: own === undefined ? empty : protocolColumn(own.sound),
      lower: result?.lower ?? null,
      printed: printedTable4[defense],
      trainingTime: ratio(result?.seconds, at?.seconds),
      trainingWork: ratio(result?.flops, at?.flops),
    };
  });
}
