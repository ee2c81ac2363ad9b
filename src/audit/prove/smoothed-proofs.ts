// Certificates of a classifier under noise, and whether attacks on the same smoothed classifier contradict them.
import { certifyDataset } from "../../certify/certification.ts";
import { CertificationOptions } from "../../certify/options.ts";
import type { CertificateRow } from "../../certify/row.ts";
import type { Scored } from "../../evaluate/evaluate.ts";
import { weightsHash } from "../../evaluate/model-record.ts";
import type { Row } from "../../evaluate/row.ts";
import { noneSpared } from "../../evaluate/spared.ts";
import { RowsFile } from "../../files/rows/rows-file.ts";
import { SMOOTHING } from "../../report/proven-balls.ts";
import { type ProofRow, proofName } from "../../verify/proof-row.ts";
import { type Ball, ballsOf, isAbout, isIn } from "./balls.ts";
import { BreakTests, type TestedRow } from "./break-tests.ts";
import { checkCertificate } from "./certificate-check.ts";
import { CERTIFICATES, openCertificateRows } from "./certificate-rows.ts";
import { certifiedPoint, type Distances, isEnumerated, isInside } from "./certified-point.ts";
import { CheckRow, checkName } from "./check-row.ts";
import { type Contradiction, contradictionOf, saveContradiction } from "./contradiction.ts";
import type { LowerBounds, ProveEvent } from "./lower-bounds.ts";
import { type ProvedAudit, proofFormat, proofRuntime } from "./proved-audit.ts";

/** Files in an audit's storage. */
const [CHECKS, PROOFS] = ["rows.checks.jsonl", "rows.proofs.jsonl"];

/** Whether the draws of an attack suggest that a row's example is broken: the label is not the most frequent answer. */
const isWrong = ({ majority }: Row): boolean => majority === 0;

/** The method of an image that is misclassified without an attack, and the name of its attack in rows. */
const [CLEAN, NO_ATTACK] = ["clean", "none"];

/** The distances of the clean image. */
const NOWHERE: Distances = { linf: 0, l2: 0, l1: 0 };

/** The description of a test of the clean image, from any row of its attacks. */
const cleanOf = ({ index, label }: Row): TestedRow => ({
  index,
  label,
  attack: NO_ATTACK,
  norm: null,
  epsilon: null,
});

/** The open files of an audit; null if nothing is written. */
interface Files {
  readonly checks: RowsFile<CheckRow> | null;
  readonly proofs: RowsFile<ProofRow> | null;
  readonly breaks: BreakTests;
}

/** Certificates of a classifier under noise. */
export class SmoothedProofs implements LowerBounds {
  readonly kind = "certificate";
  readonly spares = noneSpared;
  readonly contradictions: Contradiction[] = [];
  readonly #audit: ProvedAudit;
  readonly #noise: string;
  readonly #balls: readonly (readonly Ball[])[];
  readonly #certificates = new Map<number, CertificateRow>();
  readonly #checks = new Map<string, CheckRow>();
  readonly #proofs = new Map<string, ProofRow>();
  /** Images whose certificate was refuted by fresh draws. */
  readonly #refuted = new Set<number>();
  readonly #files: Files;

  private constructor(audit: ProvedAudit, noise: string, files: Files) {
    this.#audit = audit;
    this.#noise = noise;
    this.#balls = ballsOf(audit.options);
    this.#files = files;
    for (const row of files.checks?.rows ?? []) if (isIn(audit.range, row)) this.#addCheck(row);
    for (const row of files.proofs?.rows ?? [])
      if (isAbout(audit, row)) this.#proofs.set(proofName(row), row);
  }

  /** Opens the files of checks, of tests and of proofs. Throws `UsageError` for rows of other settings. */
  static async open(audit: ProvedAudit, noise: string): Promise<SmoothedProofs> {
    const { out, resume, note, signal } = audit;
    const breaks = await BreakTests.open(audit, noise);
    if (out === undefined)
      return new SmoothedProofs(audit, noise, { checks: null, proofs: null, breaks });
    const shared = { storage: out, resume, note, signal };
    let checks: RowsFile<CheckRow> | null = null;
    try {
      const about = { name: CHECKS, schema: CheckRow, what: "check of a certificate" };
      checks = await openCertificateRows(audit, noise, about);
      const format = await proofFormat(audit);
      const proofs = await RowsFile.open(Object.assign({ name: PROOFS, format }, shared));
      return new SmoothedProofs(audit, noise, { checks, proofs, breaks });
    } catch (error) {
      await checks?.close();
      await breaks.close();
      throw error;
    }
  }

  get certificates(): readonly CertificateRow[] {
    return [...this.#certificates.values()];
  }

  get proofs(): readonly ProofRow[] {
    return [...this.#proofs.values()];
  }

  get unconfirmed(): number {
    return [...this.#checks.values()].filter(({ refuted }) => !refuted).length;
  }

  /** Certifies every image. */
  async *before(): AsyncGenerator<ProveEvent, void, void> {
    const { model, dataset, options, network, target, out, resume, host, signal, note, command } =
      this.#audit;
    const weights = model.weights ?? (await weightsHash(model.parameters, host));
    const { name, path, defense, reading, noise } = model;
    const events = certifyDataset(
      {
        model: { name, path, defense, reading, noise, weights, network },
        dataset,
        target: { ...target },
        out: out === undefined ? undefined : { storage: out, name: CERTIFICATES },
        resume,
        host,
        signal,
        note,
        command,
      },
      CertificationOptions.parse({
        noise: this.#noise,
        examples: options.examples,
        n: options.proveN,
        batch: options.batch,
        seed: options.seed,
      }),
    );
    for await (const { row, done, total } of events) {
      this.#certificates.set(row.index, row);
      yield { event: "certificate", certificate: row, done, total };
    }
    await this.#files.proofs?.prepare();
    await this.#files.checks?.prepare();
    await this.#files.breaks.prepare();
  }

  /** Whether the certified classifier rounds what it sees to 8 bits. */
  get roundsImages(): boolean {
    const [first] = this.#certificates.values();
    return first !== undefined && first.sampling === "sound" && !isEnumerated(first);
  }

  /**
   * Fresh draws judge each adversarial image that the attack counts as broken, and the clean image. Strictly inside a certified
   * radius they test whether the certificate is refuted, elsewhere whether another class is the most probable one. The records
   * are written before the attack's row, so a resumed audit does not need the images again.
   */
  async inspect(scored: Scored): Promise<void> {
    const { row } = scored;
    const certificate = this.#certificates.get(row.index);
    if (certificate === undefined) return;
    const { breaks } = this.#files;
    if (this.#isCleanOpen(row)) {
      const clean = { point: scored.original.data, distances: NOWHERE };
      await breaks.test(cleanOf(row), clean, certificate);
    }
    if (!isWrong(row)) return;
    const { point, distances } = certifiedPoint(scored, certificate);
    if (isInside(distances, certificate)) {
      const check =
        this.#checks.get(checkName(row)) ?? (await this.#check(row, point, certificate));
      if (!check.refuted) return;
      await saveContradiction(this.#audit.out, scored, { certificate, check });
    }
    if (!breaks.has(row) && this.#matters(row, distances))
      await breaks.test(row, { point, distances }, certificate);
  }

  /** Whether a stored row suggests a break that fresh draws have not judged yet, so its images are needed again. */
  needsImage(row: Row): boolean {
    const certificate = this.#certificates.get(row.index);
    if (certificate === undefined) return false;
    if (this.#isCleanOpen(row)) return true;
    if (!isWrong(row) || this.#files.breaks.has(row)) return false;
    if (this.#checks.get(checkName(row))?.refuted === false) return false;
    // Rounding may move an image closer, so it may be in any ball.
    const distances = isEnumerated(certificate) ? NOWHERE : row;
    return isInside(distances, certificate) || this.#matters(row, distances);
  }

  /** Whether draws suggest that a clean image is broken, and fresh ones have not judged it. */
  #isCleanOpen(row: Row): boolean {
    if (row.prediction === row.label || this.#files.breaks.has(cleanOf(row))) return false;
    return this.#matters(row, NOWHERE);
  }

  /** Whether a break at these distances would decide a ball. */
  #matters({ index }: Row, distances: Distances): boolean {
    return this.#balls
      .flat()
      .some(
        (ball) =>
          distances[ball.norm] <= ball.epsilon && this.#statusOf(index, ball)[0] === "undecided",
      );
  }

  /** The status of each image in each ball. */
  async *after(rows: readonly Row[]): AsyncGenerator<ProveEvent, void, void> {
    const { range, out } = this.#audit;
    const total = range.to;
    for (const row of rows) {
      const check = this.#checks.get(checkName(row));
      if (check?.refuted !== true) continue;
      const certificate = this.#certificates.get(row.index);
      this.contradictions.push(await contradictionOf(out, row, { certificate, check }));
    }
    for (let index = 0; index < total; index++) {
      const found = this.#balls
        .flat()
        .filter((ball) => !this.#proofs.has(proofName({ index, ...ball })))
        .map((ball) => this.#rowOf(index, ball));
      if (found.length === 0) continue;
      await this.#files.proofs?.check();
      await this.#files.proofs?.append(found);
      for (const proof of found) {
        this.#proofs.set(proofName(proof), proof);
        const done = this.#proofs.size;
        yield { event: "proof", proof, done, total: total * this.#balls.flat().length };
      }
    }
  }

  async close(): Promise<void> {
    await this.#files.breaks.close();
    await this.#files.checks?.close();
    await this.#files.proofs?.close();
  }

  async #check(row: Row, point: Float32Array, certificate: CertificateRow): Promise<CheckRow> {
    const found = await checkCertificate(this.#audit, row, point, certificate);
    await this.#files.checks?.append([found]);
    this.#addCheck(found);
    return found;
  }

  #addCheck(row: CheckRow): void {
    this.#checks.set(checkName(row), row);
    if (row.refuted) this.#refuted.add(row.index);
  }

  #rowOf(index: number, ball: Ball): ProofRow {
    const [status, method] = this.#statusOf(index, ball);
    return {
      index,
      label: Number(this.#audit.dataset.test.labels[index]),
      norm: ball.norm,
      epsilon: ball.epsilon,
      status,
      method,
      margin: null,
      floatError: null,
      seconds: status === "proven" ? (this.#certificates.get(index)?.seconds ?? 0) : 0,
      runtime: proofRuntime(this.#audit),
    };
  }

  /** A certificate decides, unless it is refuted; otherwise a test that found another class does. */
  #statusOf(index: number, ball: Ball): readonly [ProofRow["status"], string | null] {
    const certificate = this.#certificates.get(index);
    if (certificate !== undefined && !this.#refuted.has(index)) {
      const { prediction, label, radius } = certificate;
      if (prediction === label && radius[ball.norm] >= ball.epsilon) return ["proven", SMOOTHING];
      if (prediction !== null && prediction !== label) return ["broken", CLEAN];
    }
    const breaking = this.#files.breaks.within(index, ball);
    if (breaking === undefined) return ["undecided", null];
    return ["broken", breaking.attack === NO_ATTACK ? CLEAN : breaking.attack];
  }
}
