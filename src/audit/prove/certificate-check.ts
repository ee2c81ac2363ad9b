// Checks whether fresh draws refute a certificate at an adversarial image inside its radius.
import { REFUTING_DRAWS, REFUTING_LEVEL, type Refutation, refute } from "../../certify/refute.ts";
import type { CertificateRow } from "../../certify/row.ts";
import type { Row } from "../../evaluate/row.ts";
import { fold, type Key, keyOf, nameToNumber } from "../../math/random.ts";
import { smoothedOf } from "./certified-point.ts";
import type { CheckRow } from "./check-row.ts";
import type { ProvedAudit } from "./proved-audit.ts";

/** Judges the adversarial image `point` of an attack's row by fresh draws. */
export async function checkCertificate(
  audit: ProvedAudit,
  row: Row,
  point: Float32Array,
  certificate: CertificateRow,
): Promise<CheckRow> {
  const asked = { prediction: Number(certificate.prediction) };
  const key = keyOfCheck(audit.options.seed, row);
  const found = await refute(smoothedOf(audit, certificate), point, key, asked);
  return checkRow(row, certificate, found);
}

/** The key of the draws that judge one attack's image; nothing else uses it. */
const keyOfCheck = (seed: number, { index, attack, epsilon }: Row): Key =>
  fold(
    fold(fold(keyOf(seed), nameToNumber("contradiction")), index),
    nameToNumber(`${attack}@${epsilon}`),
  );

/** The row of a check of a certificate, by fresh draws, at the image of an attack's row. */
export function checkRow(
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
