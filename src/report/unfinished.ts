// What an evaluation was to do and has not done: attacks that have not tried all images, and images that have no rows.
import type { Row } from "../evaluate/row.ts";
import type { Settings } from "../evaluate/settings.ts";
import type { ComparedResult } from "./compared.ts";
import { type Evaluation, isDerived } from "./evaluation.ts";
import { counted, listed, radiusText } from "./format.ts";

type Options = Readonly<Record<string, unknown>>;

/** Options with the radii of each norm. */
const RADII: Readonly<Record<string, string>> = {
  linf: "epsilonLinf",
  l2: "epsilonL2",
  l1: "epsilonL1",
  l0: "epsilonL0",
};

/** The most attacks that a message names. */
const MAX_NAMED = 4;

const numbersIn = (value: unknown): number[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === "number") : [];

/** The norm of an attack: that of its rows, or else the one in its name; undefined for an own attack without rows. */
function normOf(attack: string, [row]: readonly Row[]): string | null | undefined {
  if (row !== undefined) return row.norm;
  return attack.split("-").find((part) => part in RADII);
}

/** The radii of an attack's rows: those in its rows, and those that the options plan for it. */
function radiiOf(attack: string, rows: readonly Row[], options: Options): (number | null)[] {
  const found = rows.map(({ epsilon }) => epsilon);
  if (attack === "none" || found.includes(null)) return [null];
  const own = options[`attack ${attack}`];
  const norm = normOf(attack, rows);
  const planned = Array.isArray(own)
    ? own.map((one: Options) => one.epsilon)
    : options[RADII[String(norm)]];
  return [...new Set([...found, ...numbersIn(planned)])];
}

/** What identifies a row among those of an image. */
type Tried = Pick<Row, "attack" | "epsilon" | "eot">;
const triedName = ({ attack, epsilon, eot }: Tried): string => `${attack} ${epsilon} ${eot}`;

/** The rows of an evaluation by image, and what follows from them. */
class RowsByImage {
  readonly #tried = new Map<number, Set<string>>();
  readonly #broken = new Map<number, Set<string>>();

  constructor(rows: readonly Row[]) {
    for (const row of rows) {
      const tried = this.#tried.get(row.index) ?? new Set();
      this.#tried.set(row.index, tried.add(triedName(row)));
      if (row.norm === null || row.draws > 1 || row.correct !== 0) continue;
      const broken = this.#broken.get(row.index) ?? new Set();
      this.#broken.set(row.index, broken.add(`${row.norm} ${row.epsilon}`));
    }
  }

  get size(): number {
    return this.#tried.size;
  }

  /** Images that an attack should have tried and has not; with `norm`, only those that it does not skip there. */
  without(tried: Tried, norm?: string | null): number {
    const name = triedName(tried);
    let count = 0;
    for (const [index, names] of this.#tried)
      if (!names.has(name) && (norm === undefined || !this.#skips(index, tried, norm))) count++;
    return count;
  }

  /** Whether an earlier attack broke the image in the ball; of an own attack without rows the ball is not known. */
  #skips(index: number, { epsilon }: Tried, norm: string | null): boolean {
    const broken = this.#broken.get(index);
    if (broken === undefined) return false;
    return norm === null || broken.has(`${norm} ${epsilon}`);
  }
}

/** Draws per gradient step of an attack's rows: those in rows, and those that the options plan for a randomised model. */
function eotsOf(attack: string, rows: readonly Row[], settings: Settings | null): number[] {
  const isRandomised = rows.some(({ draws }) => draws > 1);
  if (attack === "none" || !isRandomised) return [1];
  const found = rows.filter((row) => row.attack !== "none").map(({ eot }) => eot);
  return [...new Set([...found, ...numbersIn(settings?.options.eot)])];
}

/** Attacks that have not tried all images that have rows: `apgd-ce-linf at 8/255 (128 of 500 images)`. */
export function missingAttacks({
  rows,
  settings,
}: Pick<Evaluation, "rows" | "settings">): string[] {
  const options: Options = settings?.options ?? {};
  // Settings call the option by its former name.
  const skips = settings === null || options.onlyStanding === true || options.skipBroken === true;
  const images = new RowsByImage(rows);
  const asked = Array.isArray(options.attacks) ? options.attacks.map(String) : [];
  const ran = rows.map(({ attack }) => attack).filter((attack) => !isDerived(attack));
  const names = new Set([...asked, ...ran]);
  const found: string[] = [];
  for (const attack of names) {
    const own = rows.filter((row) => row.attack === attack);
    const norm = normOf(attack, own);
    const radii = radiiOf(attack, own, options);
    for (const epsilon of radii.length === 0 ? [null] : radii) {
      const skipped = skips && attack !== "none" ? (norm ?? null) : undefined;
      const missing = Math.max(
        ...eotsOf(attack, rows, settings).map((eot) =>
          images.without({ attack, epsilon, eot }, skipped),
        ),
      );
      if (missing === 0) continue;
      const where = epsilon === null ? "" : ` at ${radiusText(norm ?? null, epsilon)}`;
      found.push(
        `${attack}${where} (${images.size - missing} of ${counted(images.size, "image")})`,
      );
    }
  }
  return found;
}

/** Images with rows, of those that the evaluation was to attack: `it has rows of 128 of 500 images`; null if none is missing. */
function missingImages({ rows, settings }: Evaluation): string | null {
  const found = new Set(rows.map(({ index }) => index)).size;
  const planned = settings?.images;
  if (planned === undefined || found >= planned) return null;
  return `it has rows of ${found} of ${counted(planned, "image")}`;
}

/** What is missing of an audit after its attacks; null if nothing is. */
function missingAudit({ evaluation, audit }: ComparedResult): string | null {
  const { settings, rows } = evaluation;
  const isAudit = settings?.kind === "audit" || /^rampart audit\b/.test(settings?.command ?? "");
  // Beside rows under another name, no summary was looked for.
  const isInFolder = /(^|[\\/])rows\.jsonl$/.test(evaluation.file);
  if (audit === null)
    return isAudit && isInFolder
      ? "its folder has no summary.json, which an audit writes at its end"
      : null;
  const found = new Set(rows.map(({ index }) => index)).size;
  if (audit.examples === undefined || audit.examples === found) return null;
  return `its summary.json is about ${counted(audit.examples, "image")}, and its rows about ${found}`;
}

/** Why a result is not finished, as a sentence; null if nothing is known to be missing. */
export function unfinishedText(result: ComparedResult, when: string): string | null {
  const { evaluation } = result;
  const attacks = missingAttacks(evaluation);
  const named = attacks.slice(0, MAX_NAMED);
  const more = attacks.length - named.length;
  if (more > 0) named.push(counted(more, "more attack"));
  const reasons = [
    missingImages(evaluation),
    named.length === 0 ? null : `images have not been tried by ${listed(named)}`,
    missingAudit(result),
  ].filter((reason) => reason !== null);
  if (reasons.length === 0) return null;
  return `The result ${when} (${evaluation.file}) is not finished: ${listed(reasons)}.`;
}
