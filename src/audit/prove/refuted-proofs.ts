// Proofs of a network that attacks refute.
import type { Row } from "../../evaluate/row.ts";
import { isBroken } from "../../evaluate/survivors.ts";
import type { Storage } from "../../files/storage/storage.ts";
import { type ProofRow, proofName } from "../../verify/proof-row.ts";
import { isSearch } from "../smallest/search-attack.ts";
import type { Ball } from "./balls.ts";
import { type Contradiction, contradictionOf } from "./contradiction.ts";

/** The proofs that hold in a ball around an image that an attack broke, including proofs that were already refuted. */
export function refutedBy(
  row: Row,
  balls: readonly Ball[],
  proofs: ReadonlyMap<string, ProofRow>,
): ProofRow[] {
  if (!isBroken(row) || row.clean !== 1) return [];
  return balls
    .map(({ norm, epsilon }) => proofs.get(proofName({ index: row.index, norm, epsilon })))
    .filter((one) => one !== undefined)
    .filter((one) => one.status === "proven" || one.refuted !== undefined)
    .filter((one) => row[one.norm] <= one.epsilon);
}

/** The proofs that attacks and searches refute: a contradiction per attack row, and rows that replace those of the proofs. */
export async function refutations(
  out: Storage | undefined,
  rows: readonly Row[],
  proofsOf: (row: Row) => readonly ProofRow[],
): Promise<{
  readonly contradictions: readonly Contradiction[];
  readonly refuted: readonly ProofRow[];
}> {
  const contradictions: Contradiction[] = [];
  const refuted = new Map<string, ProofRow>();
  const known = new Set<string>();
  for (const row of rows) {
    const proofs = proofsOf(row);
    if (proofs.length === 0) continue;
    // Searches run on every image. Skip a search that only refutes proofs that an attack already refuted.
    if (isSearch(row) && proofs.every((proof) => known.has(proofName(proof)))) continue;
    for (const proof of proofs) known.add(proofName(proof));
    const found = await contradictionOf(out, row, { proof: proofs[0] });
    contradictions.push(found);
    for (const proof of proofs)
      if (proof.status === "proven" && !refuted.has(proofName(proof)))
        refuted.set(proofName(proof), refutedRow(proof, found));
  }
  return { contradictions, refuted: [...refuted.values()] };
}

/** The row of an image that was proven and then broken. */
const refutedRow = (proof: ProofRow, { attack, record, image }: Contradiction): ProofRow => ({
  ...proof,
  status: "broken",
  method: attack,
  margin: null,
  floatError: null,
  refuted: { method: proof.method, margin: proof.margin, attack, record, image },
});
