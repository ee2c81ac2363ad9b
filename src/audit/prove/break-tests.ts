// Decides whether an image is broken under noise: a test on fresh draws gives the smoothed classifier's class.
import { normOfAttack } from "../../attacks/table.ts";
import { predictAt } from "../../certify/predict.ts";
import type { CertificateRow } from "../../certify/row.ts";
import type { Row } from "../../evaluate/row.ts";
import type { RowsFile } from "../../files/rows/rows-file.ts";
import { fold, keyOf, nameToNumber } from "../../math/random.ts";
import type { Ball } from "./balls.ts";
import { BreakRow } from "./break-row.ts";
import { openCertificateRows } from "./certificate-rows.ts";
import { type CertifiedPoint, smoothedOf } from "./certified-point.ts";
import { checkName } from "./check-row.ts";
import type { ProvedAudit } from "./proved-audit.ts";

/** Fresh draws per test. */
export const BREAKING_DRAWS = 1000;
/**
 * Upper bound on the probability that an image is wrongly called broken in a ball. Its tests share this bound equally.
 */
export const BREAKING_ALPHA = 0.001;

/** The file of tests in an audit's storage. */
const BREAKS = "rows.breaks.jsonl";

/**
 * The largest number of tests per image: of the clean image, and of each attack at each of its radii. Attacks in ℓ0 count
 * too, since their images may lie in balls of other norms.
 */
export function testsPerImage({ attacks, options }: Pick<ProvedAudit, "attacks" | "options">) {
  const { epsilonLinf, epsilonL2, epsilonL1, epsilonL0 = [] } = options;
  const radii = { linf: epsilonLinf, l2: epsilonL2, l1: epsilonL1, l0: epsilonL0 };
  const most = Math.max(...Object.values(radii).map((own) => new Set(own).size));
  const ofAttack = (attack: string): number => {
    const norm = normOfAttack(attack);
    return norm === undefined ? most : new Set(radii[norm]).size;
  };
  return attacks.reduce((sum, attack) => sum + ofAttack(attack), 1);
}

/** The attack whose image is tested; `none` for the clean image. */
export type TestedRow = Pick<Row, "index" | "attack" | "norm" | "epsilon" | "label">;

/** The tests of an audit, by image and attack. */
export class BreakTests {
  readonly #audit: ProvedAudit;
  readonly #file: RowsFile<BreakRow> | null;
  readonly #rows = new Map<string, BreakRow>();
  /** The tests that found another class, by image. */
  readonly #broken = new Map<number, BreakRow[]>();

  private constructor(audit: ProvedAudit, file: RowsFile<BreakRow> | null) {
    this.#audit = audit;
    this.#file = file;
    for (const row of file?.rows ?? []) this.#add(row);
  }

  /** Opens the file of tests. Throws `UsageError` if it is in use, damaged, or of another audit. */
  static async open(audit: ProvedAudit, noise: string): Promise<BreakTests> {
    const what = "test of a broken image";
    const about = { name: BREAKS, schema: BreakRow, what };
    return new BreakTests(audit, await openCertificateRows(audit, noise, about));
  }

  /** Writes the settings of tests, once the certificates are known to be those of this audit. */
  async prepare(): Promise<void> {
    await this.#file?.prepare();
  }

  /** Whether the image of an attack's row was tested. */
  has = (row: Pick<Row, "index" | "attack" | "epsilon">): boolean => this.#rows.has(checkName(row));

  /** The first test that found another class than the label inside a ball; undefined if none did. */
  within = (index: number, { norm, epsilon }: Ball): BreakRow | undefined =>
    this.#broken.get(index)?.find((row) => row[norm] <= epsilon);

  /** Tests the image of an attack's row. */
  async test(
    { index, attack, norm, epsilon, label }: TestedRow,
    { point, distances }: CertifiedPoint,
    certificate: CertificateRow,
  ): Promise<void> {
    const key = fold(
      fold(fold(keyOf(this.#audit.options.seed), nameToNumber("break")), index),
      nameToNumber(`${attack}@${epsilon}`),
    );
    const level = BREAKING_ALPHA / testsPerImage(this.#audit);
    const smoothed = smoothedOf(this.#audit, certificate);
    const asked = { n: BREAKING_DRAWS, alpha: level };
    const { prediction, n, counts } = await predictAt(smoothed, point, key, asked);
    const row: BreakRow = {
      index,
      attack,
      norm,
      epsilon,
      linf: distances.linf,
      l2: distances.l2,
      l1: distances.l1,
      label,
      prediction,
      n,
      counts: [...counts],
      alpha: BREAKING_ALPHA,
      level,
      broken: prediction !== null && prediction !== label,
    };
    await this.#file?.append([row]);
    this.#add(row);
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  #add(row: BreakRow): void {
    this.#rows.set(checkName(row), row);
    if (!row.broken) return;
    const found = this.#broken.get(row.index) ?? [];
    found.push(row);
    this.#broken.set(row.index, found);
  }
}
