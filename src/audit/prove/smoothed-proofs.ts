// Certificates of a classifier under noise, and whether attacks on the same smoothed classifier contradict them.
import { distancesOf } from "../../attacks/exact-projection.ts";
import type { Norm } from "../../attacks/victim.ts";
import { certificateOf } from "../../certify/certificates.ts";
import { certifyDataset } from "../../certify/certification.ts";
import { CertificationOptions } from "../../certify/options.ts";
import { certifiedNorms } from "../../certify/radii.ts";
import { REFUTING_DRAWS, REFUTING_LEVEL, type Refutation, refute } from "../../certify/refute.ts";
import type { CertificateRow } from "../../certify/row.ts";
import type { Scored } from "../../evaluate/evaluate.ts";
import { weightsHash } from "../../evaluate/model-record.ts";
import type { Row } from "../../evaluate/row.ts";
import { groupBy } from "../../evaluate/row-statistics.ts";
import { noneSpared } from "../../evaluate/spared.ts";
import { RowsFile } from "../../files/rows/rows-file.ts";
import { fold, type Key, keyOf, nameToNumber } from "../../math/random.ts";
import { tensor } from "../../math/tensor.ts";
import { SMOOTHING } from "../../report/proven-balls.ts";
import { type ProofRow, proofName } from "../../verify/proof-row.ts";
import { type Ball, ballsOf } from "./balls.ts";
import { type CheckRow, checkFormat, checkName } from "./check-row.ts";
import { type Contradiction, contradictionOf, saveContradiction } from "./contradiction.ts";
import type { LowerBounds, ProveEvent } from "./lower-bounds.ts";
import { type ProvedAudit, proofFormat, proofRuntime } from "./proved-audit.ts";

/** Files in an audit's storage. */
const [CERTIFICATES, CHECKS, PROOFS] = [
  "rows.certificates.jsonl",
  "rows.checks.jsonl",
  "rows.proofs.jsonl",
];

/** Whether an attack counts a row's example as broken: most draws are wrong. */
const isWrong = ({ majority }: Row): boolean => majority === 0;

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
  readonly #checksFile: RowsFile<CheckRow> | null;
  readonly #proofsFile: RowsFile<ProofRow> | null;

  private constructor(
    audit: ProvedAudit,
    noise: string,
    files: readonly [RowsFile<CheckRow> | null, RowsFile<ProofRow> | null],
  ) {
    this.#audit = audit;
    this.#noise = noise;
    this.#balls = ballsOf(audit.options);
    [this.#checksFile, this.#proofsFile] = files;
    for (const row of this.#checksFile?.rows ?? []) this.#checks.set(checkName(row), row);
    for (const row of this.#proofsFile?.rows ?? []) this.#proofs.set(proofName(row), row);
  }

  /** Opens the files of checks and of proofs. Throws `UsageError` for rows of other settings. */
  static async open(audit: ProvedAudit, noise: string): Promise<SmoothedProofs> {
    const { out, resume, note, signal } = audit;
    if (out === undefined) return new SmoothedProofs(audit, noise, [null, null]);
    const shared = { storage: out, resume, note, signal };
    const checks = await RowsFile.open(
      Object.assign({ name: CHECKS, format: checkFormat }, shared),
    );
    try {
      const proofs = await RowsFile.open(
        Object.assign({ name: PROOFS, format: await proofFormat(audit) }, shared),
      );
      return new SmoothedProofs(audit, noise, [checks, proofs]);
    } catch (error) {
      await checks.close();
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
    await this.#proofsFile?.prepare();
  }

  /**
   * An adversarial image strictly inside a certified radius, which the attack counts as broken, is judged by fresh draws. The
   * record is written before the attack's row, so that a resumed audit needs no image again.
   */
  async inspect(scored: Scored): Promise<void> {
    const { row } = scored;
    const certificate = this.#certificates.get(row.index);
    if (certificate === undefined || !isWrong(row)) return;
    const { point, distances } = certifiedPoint(scored, certificate);
    if (!isInside(distances, certificate)) return;
    const found = this.#checks.get(checkName(row)) ?? (await this.#check(row, point, certificate));
    if (!found.refuted) return;
    await saveContradiction(this.#audit.out, scored, { certificate, check: found });
  }

  /** What is known about each image in each ball. */
  async *after(rows: readonly Row[]): AsyncGenerator<ProveEvent, void, void> {
    const attacked = groupBy(rows, ({ index }) => index);
    const { total, out } = this.#audit;
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
        .map((ball) => this.#rowOf(index, ball, attacked.get(index) ?? []));
      if (found.length === 0) continue;
      await this.#proofsFile?.check();
      await this.#proofsFile?.append(found);
      for (const proof of found) {
        this.#proofs.set(proofName(proof), proof);
        const done = this.#proofs.size;
        yield { event: "proof", proof, done, total: total * this.#balls.flat().length };
      }
    }
  }

  async close(): Promise<void> {
    await this.#checksFile?.close();
    await this.#proofsFile?.close();
  }

  async #check(row: Row, point: Float32Array, certificate: CertificateRow): Promise<CheckRow> {
    const { network, dataset, options, signal, note } = this.#audit;
    const { noise, sampling, prediction } = certificate;
    const smoothed = {
      network,
      shape: dataset.shape,
      classes: dataset.classes.length,
      noise,
      sampling,
      batch: options.batch,
      signal,
      note,
    };
    const asked = { prediction: Number(prediction) };
    const judged = await refute(smoothed, point, keyOfCheck(options.seed, row), asked);
    const found = checkRow(row, certificate, judged);
    await this.#checksFile?.append([found]);
    this.#checks.set(checkName(found), found);
    return found;
  }

  #rowOf(index: number, { norm, epsilon }: Ball, rows: readonly Row[]): ProofRow {
    const { dataset } = this.#audit;
    const certificate = this.#certificates.get(index);
    const label = Number(dataset.test.labels[index]);
    const [status, method] = this.#statusOf({ norm, epsilon }, label, certificate, rows);
    return {
      index,
      label,
      norm,
      epsilon,
      status,
      method,
      margin: null,
      floatError: null,
      seconds: status === "proven" ? (certificate?.seconds ?? 0) : 0,
      runtime: proofRuntime(this.#audit),
    };
  }

  #statusOf(
    { norm, epsilon }: Ball,
    label: number,
    certificate: CertificateRow | undefined,
    rows: readonly Row[],
  ): readonly [ProofRow["status"], string | null] {
    const { prediction = null, radius } = certificate ?? {};
    if (prediction === label && radius !== undefined && radius[norm] >= epsilon)
      return ["proven", SMOOTHING];
    // Another class is certified, or most draws on the clean image are wrong.
    const isMisclassified =
      prediction === null ? rows.some((row) => row.clean < 0.5) : prediction !== label;
    if (isMisclassified) return ["broken", "clean"];
    const breaking = rows.find(
      (row) =>
        isWrong(row) && row[norm] <= epsilon && this.#checks.get(checkName(row))?.refuted !== false,
    );
    return breaking === undefined ? ["undecided", null] : ["broken", breaking.attack];
  }
}

/** Whether an image at these distances lies strictly inside a radius that is certified for the label. */
const isInside = (distances: Distances, { prediction, label, radius }: CertificateRow): boolean =>
  prediction === label && certifiedNorms.some((norm) => distances[norm] < radius[norm]);

type Distances = Pick<Row, "linf" | "l2" | "l1">;

/** The adversarial image that a certificate speaks about: rounded to 8 bits, if it holds for such images only. */
function certifiedPoint(
  { row, original, adversarial }: Scored,
  { noise }: CertificateRow,
): { readonly point: Float32Array; readonly distances: Distances } {
  if (certificateOf(noise).draws === null) return { point: adversarial.data, distances: row };
  const point = adversarial.data.map((pixel) => Math.round(255 * pixel) / 255);
  const distance = (norm: Norm) => distancesOf(tensor(adversarial.shape, point), original, norm)[0];
  return {
    point,
    distances: { linf: distance("linf"), l2: distance("l2"), l1: distance("l1") },
  };
}

/** The key of the draws that judge one attack's image; nothing else uses it. */
const keyOfCheck = (seed: number, { index, attack, epsilon }: Row): Key =>
  fold(
    fold(fold(keyOf(seed), nameToNumber("contradiction")), index),
    nameToNumber(`${attack}@${epsilon}`),
  );

function checkRow(
  { index, attack, norm, epsilon, linf, l2, l1 }: Row,
  { prediction }: CertificateRow,
  { draws, votes, refuted }: Refutation,
): CheckRow {
  return {
    index,
    attack,
    norm,
    epsilon,
    linf,
    l2,
    l1,
    prediction: Number(prediction),
    of: REFUTING_DRAWS,
    level: REFUTING_LEVEL,
    draws,
    votes,
    refuted,
  };
}
