// Proofs about a deterministic network, image by image: cheap bounds before the attacks, costly methods after them.
import { normOfAttack } from "../../attacks/table.ts";
import type { Evaluation } from "../../engine/bounds/evaluation.ts";
import type { Compile } from "../../engine/bounds/program.ts";
import type { InputRegion } from "../../engine/bounds/region.ts";
import type { Scored } from "../../evaluate/evaluate.ts";
import type { Row } from "../../evaluate/row.ts";
import { groupBy } from "../../evaluate/row-statistics.ts";
import { isBroken } from "../../evaluate/survivors.ts";
import { RowsFile } from "../../files/rows/rows-file.ts";
import { keyOf, keysFor } from "../../math/random.ts";
import { argmaxRows } from "../../math/tensor.ts";
import { evaluationOf } from "../../verify/evaluation.ts";
import { type ProofRow, proofName } from "../../verify/proof-row.ts";
import { type ClassProver, classProverOf } from "../../verify/prover.ts";
import { type RegionProof, type Robustness, RobustnessProver } from "../../verify/robustness.ts";
import { type Ball, ballsOf, contains, isAbout, regionAround } from "./balls.ts";
import { type Contradiction, saveContradiction } from "./contradiction.ts";
import { broken, type Found, finite } from "./findings.ts";
import { KeptProofs } from "./kept-proofs.ts";
import type { LowerBounds, ProveEvent } from "./lower-bounds.ts";
import { imageChecksum, type ProvedAudit, proofFormat, proofRuntime } from "./proved-audit.ts";
import { refutations, refutedBy } from "./refuted-proofs.ts";

/** The method in rows of images that are misclassified without an attack. */
const CLEAN = "clean";

/** Proofs of a deterministic network. */
export class NetworkProofs implements LowerBounds {
  readonly kind = "proof";
  readonly certificates = [];
  readonly unconfirmed = 0;
  readonly roundsImages = false;
  readonly contradictions: Contradiction[] = [];
  readonly #audit: ProvedAudit;
  readonly #prover: ClassProver;
  readonly #balls: readonly (readonly Ball[])[];
  readonly #file: RowsFile<ProofRow> | null;
  readonly #rows = new Map<string, ProofRow>();
  readonly #kept = new KeptProofs();
  readonly #first: ReadonlySet<string>;
  readonly #evaluation: Evaluation;

  private constructor(audit: ProvedAudit, prover: ClassProver, file: RowsFile<ProofRow> | null) {
    this.#audit = audit;
    this.#prover = prover;
    this.#file = file;
    this.#balls = ballsOf(audit.options);
    this.#first = firstAttacks(audit.attacks);
    this.#evaluation = evaluationOf(audit.target);
    for (const row of file?.rows ?? [])
      if (isAbout(audit, row)) this.#rows.set(proofName(row), row);
  }

  /** Throws `UsageError` for a network with an operator without a bound, and for rows of other settings. */
  static async open(audit: ProvedAudit): Promise<NetworkProofs> {
    const { model, bounds, out, resume, note, signal } = audit;
    const compile: Compile = (outputs) => bounds.compile(outputs);
    const prover = classProverOf(model.architecture, compile, model.parameters);
    const format = await proofFormat(audit);
    const file =
      out === undefined
        ? null
        : await RowsFile.open({
            storage: out,
            name: PROOFS,
            format,
            resume,
            note,
            signal,
          });
    return new NetworkProofs(audit, prover, file);
  }

  get proofs(): readonly ProofRow[] {
    return [...this.#rows.values()];
  }

  /**
   * Cheap bounds for each image, the largest ball of a norm first: a proof holds in the smaller balls too, and an
   * undecided one still gives valid intervals there.
   */
  async *before(): AsyncGenerator<ProveEvent, void, void> {
    await this.#file?.prepare();
    const { range, signal } = this.#audit;
    const clean = await this.#cleanClasses();
    for (let index = range.from; index < range.to && !signal?.aborted; index++) {
      const found: ProofRow[] = [];
      if (clean[index - range.from] !== this.#labelOf(index))
        for (const ball of this.#open(index)) found.push(this.#rowOf(index, ball, broken(CLEAN)));
      else
        for (const ofNorm of this.#balls)
          found.push(...(await this.#cheaply(index, ofNorm.toReversed())));
      await this.#write(found);
      for (const proof of found) yield this.#event(proof);
    }
  }

  readonly spares: LowerBounds["spares"] = ({ index, attack, norm, epsilon }) =>
    !this.#first.has(attack) && this.#rows.get(`${index} ${norm} ${epsilon}`)?.status === "proven";

  /** An adversarial image inside a proven ball refutes the proof. */
  async inspect(scored: Scored): Promise<void> {
    const [proof] = this.#refutedBy(scored.row);
    if (proof !== undefined) await saveContradiction(this.#audit.out, scored, { proof });
  }

  /** Rows state whether and where an image is broken, so images are not needed again. */
  needsImage = (): boolean => false;

  #refutedBy = (row: Row): ProofRow[] => refutedBy(row, this.#balls.flat(), this.#rows);

  /** Records what attacks broke, and runs the costly methods on the rest, the smallest ball of a norm first. */
  async *after(rows: readonly Row[]): AsyncGenerator<ProveEvent, void, void> {
    const { range, signal, out } = this.#audit;
    const { contradictions, refuted } = await refutations(out, rows, this.#refutedBy);
    this.contradictions.push(...contradictions);
    await this.#write(refuted);
    for (const proof of refuted) yield this.#event(proof);
    const attacked = groupBy(rows.filter(isBroken), ({ index }) => index);
    for (let index = range.from; index < range.to; index++) {
      const breaking = attacked.get(index) ?? [];
      for (const ofNorm of this.#balls) {
        const found = await this.#thoroughly(index, ofNorm, breaking);
        if (signal?.aborted) return;
        await this.#write(found);
        for (const proof of found) yield this.#event(proof);
      }
    }
  }

  async close(): Promise<void> {
    await this.#prover.crown.release();
    await this.#file?.close();
  }

  /** The classes of the clean images of the range, as the audited network computes them. */
  async #cleanClasses(): Promise<number[]> {
    const { network, dataset, range, options } = this.#audit;
    const classes: number[] = [];
    for (let { from } = range; from < range.to; from += options.batch) {
      const count = Math.min(options.batch, range.to - from);
      const indices = Array.from({ length: count }, (_, i) => from + i);
      const logits = await network.logits(dataset.test.images(indices), keysFor(keyOf(0), indices));
      classes.push(...argmaxRows(logits));
    }
    return classes;
  }

  #labelOf = (index: number): number => Number(this.#audit.dataset.test.labels[index]);

  /** The balls without a row. */
  #open(index: number): Ball[] {
    return this.#balls.flat().filter((ball) => !this.#rows.has(proofName({ index, ...ball })));
  }

  #proverOf(index: number): RobustnessProver {
    const { crown, least } = this.#prover;
    return new RobustnessProver(crown, this.#labelOf(index), this.#evaluation, least);
  }

  #region = (index: number, ball: Ball): InputRegion =>
    regionAround(this.#audit.dataset.test, index, ball);

  async #cheaply(index: number, descending: readonly Ball[]): Promise<ProofRow[]> {
    const open = this.#open(index);
    const isOpen = (ball: Ball) => open.some((one) => one === ball);
    const prover = this.#proverOf(index);
    const timer = this.#timer();
    let outer: RegionProof | undefined;
    let proven: ProofRow | undefined;
    const rows: ProofRow[] = [];
    for (const ball of descending) {
      if (!isOpen(ball)) continue;
      proven ??= this.#provenAround(index, ball);
      if (proven !== undefined) {
        rows.push({ ...proven, ...ball, seconds: 0 });
        continue;
      }
      const before = timer.elapsed();
      outer = prover.open(this.#region(index, ball), outer);
      const found = await outer.cheaply(timer.isOver);
      const seconds = timer.elapsed() - before;
      const { margin, floatError, method } = found;
      if (!found.proven) {
        this.#kept.keep(proofName({ index, ...ball }), found, seconds, outer);
        continue;
      }
      proven = this.#rowOf(index, ball, {
        status: "proven",
        method,
        margin,
        floatError,
        seconds,
      });
      rows.push(proven);
    }
    return rows;
  }

  /** A proof in a ball that contains this ball. */
  #provenAround(index: number, ball: Ball): ProofRow | undefined {
    for (const outer of this.#balls.flat()) {
      const row = this.#rows.get(proofName({ index, ...outer }));
      if (row?.status === "proven" && contains(outer, ball)) return row;
    }
    return undefined;
  }

  async #thoroughly(
    index: number,
    ascending: readonly Ball[],
    breaking: readonly Row[],
  ): Promise<ProofRow[]> {
    const open = this.#open(index);
    const rows: ProofRow[] = [];
    let isStuck = false;
    let spent = 0;
    for (const ball of ascending.filter((one) => open.includes(one))) {
      const { norm, epsilon } = ball;
      const row = breaking.find((one) => one[norm] <= epsilon);
      if (row !== undefined) {
        rows.push(this.#rowOf(index, ball, broken(row.attack)));
        continue;
      }
      const left = this.#kept.take(proofName({ index, ...ball }));
      const timer = this.#timer(spent + (left?.seconds ?? 0));
      let best: Robustness | null = null;
      if (!isStuck && !timer.isOver()) {
        const proof = left?.proof ?? this.#proverOf(index).open(this.#region(index, ball));
        best = await proof.thoroughly(timer.isOver);
      }
      const seconds = timer.elapsed() - spent;
      spent += seconds;
      isStuck = best?.proven !== true;
      const { margin, floatError } = best ?? left ?? { margin: Number.NaN, floatError: Number.NaN };
      const [status, method] = best?.proven
        ? ["proven" as const, best.method]
        : ["undecided" as const, null];
      rows.push(this.#rowOf(index, ball, { status, method, margin, floatError, seconds }));
    }
    return rows;
  }

  #rowOf(
    index: number,
    { norm, epsilon }: Ball,
    { status, method, margin, floatError, seconds }: Found,
  ): ProofRow {
    return {
      index,
      label: this.#labelOf(index),
      norm,
      epsilon,
      status,
      method,
      margin: finite(margin),
      floatError: finite(floatError),
      seconds: this.#audit.timed ? seconds : 0,
      image: imageChecksum(this.#audit.dataset.test, index),
      runtime: proofRuntime(this.#audit),
    };
  }

  async #write(rows: readonly ProofRow[]): Promise<void> {
    if (rows.length === 0) return;
    await this.#file?.check();
    await this.#file?.append(rows);
    for (const row of rows) this.#rows.set(proofName(row), row);
  }

  #event = (proof: ProofRow): ProveEvent => ({
    event: "proof",
    proof,
    done: this.#rows.size,
    total: (this.#audit.range.to - this.#audit.range.from) * this.#balls.flat().length,
  });

  /** Times one image in one norm; `spent` is the number of seconds used before. */
  #timer(spent = 0) {
    const { options, signal } = this.#audit;
    const started = performance.now();
    const elapsed = () => spent + (performance.now() - started) / 1000;
    return { elapsed, isOver: () => signal?.aborted === true || elapsed() >= options.proveSeconds };
  }
}

/** The file of proofs in an audit's storage. */
export const PROOFS = "rows.proofs.jsonl";

/** The first attack of each norm. It also runs on proven images, and so checks the proofs. */
function firstAttacks(attacks: readonly string[]): ReadonlySet<string> {
  const byNorm = groupBy(attacks, normOfAttack);
  return new Set([...byNorm.values()].map(([first]) => first));
}
