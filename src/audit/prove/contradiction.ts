// An image that is proven or certified, but broken: either the proof or the attack is wrong, which is a bug in Rampart.
import { npzBytes } from "../../data/npz.ts";
import type { Scored } from "../../evaluate/evaluate.ts";
import type { Row } from "../../evaluate/row.ts";
import type { Storage } from "../../files/storage/storage.ts";

/** A proof or certificate that an attack refutes. */
export interface Contradiction {
  readonly index: number;
  readonly attack: string;
  /** The ball of the attack. */
  readonly norm: string | null;
  readonly epsilon: number | null;
  /** Path of the proof or certificate and of the attack's row, as JSON; null where nothing is written. */
  readonly record: string | null;
  /** Path of the clean and the adversarial image in full precision, an .npz; null where nothing is written. */
  readonly image: string | null;
}

/** The folder of contradictions in an audit's storage. */
export const CONTRADICTIONS = "contradictions";

const nameOf = ({ index, attack, epsilon }: Row): string =>
  `${CONTRADICTIONS}/${index}-${attack}-${epsilon}`;

/** A proof or certificate, with the other fields of a record. */
export type Evidence = Readonly<Record<string, unknown>>;

const writeRecord = (out: Storage, row: Row, evidence: Evidence): Promise<void> =>
  out.write(
    `${nameOf(row)}.json`,
    `${JSON.stringify(Object.assign({}, evidence, { attacked: row }), null, 2)}\n`,
  );

/** Writes a proof or certificate and the images of the attack that refutes it. */
export async function saveContradiction(
  out: Storage | undefined,
  { row, original, adversarial }: Scored,
  evidence: Evidence,
): Promise<void> {
  if (out === undefined) return;
  await out.write(`${nameOf(row)}.npz`, npzBytes({ original, adversarial }));
  await writeRecord(out, row, evidence);
}

/** The contradiction of an attack's row, whose image was saved if the attack ran after the proof. */
export async function contradictionOf(
  out: Storage | undefined,
  row: Row,
  evidence: Evidence,
): Promise<Contradiction> {
  const { index, attack, norm, epsilon } = row;
  if (out === undefined) return { index, attack, norm, epsilon, record: null, image: null };
  const [json, npz] = [`${nameOf(row)}.json`, `${nameOf(row)}.npz`];
  const image = await out.readIfThere(npz);
  if ((await out.readIfThere(json)) === null) await writeRecord(out, row, evidence);
  return {
    index,
    attack,
    norm,
    epsilon,
    record: out.pathOf(json),
    image: image === null ? null : out.pathOf(npz),
  };
}

/** The meaning of a wrong proof, and advice. */
const BUG = "This is a bug; please report it with both files";

/** The possible meanings of a wrong certificate, and how to tell them apart. */
const BUG_OR_CHANCE =
  "A certificate may be wrong with probability alpha (0.001), so one refuted image in a thousand is expected by chance, however certain the refutation is. Audit again with another --seed and --out: if the image is refuted again, or more images are, this is a bug; please report it with both files";

/** Sentences that name both files. */
export function contradictionText(found: Contradiction, kind: "proof" | "certificate"): string {
  const { index, attack, epsilon, record, image } = found;
  const what = kind === "proof" ? "is proven, and" : "is certified, and fresh draws confirm that";
  const files = image === null ? `${record} (no image was kept)` : `${record} and ${image}`;
  const where = record === null ? "nothing was written, because there is no --out" : files;
  const meaning = kind === "proof" ? BUG : BUG_OR_CHANCE;
  return `image ${index} ${what} ${attack} at ε ${epsilon} broke it: ${where}. ${meaning}`;
}
