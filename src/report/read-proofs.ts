import { parseCertificates } from "../certify/row.ts";
import { parseProofs } from "../verify/proof-row.ts";
import type { FileBeside, RowsFile } from "./evaluation.ts";

/** The rows that `audit --prove` wrote beside rows of attacks. Throws `UsageError` for a damaged line. */
export function provenRows(
  proofs: FileBeside,
  certificates: FileBeside,
): Pick<RowsFile, "proofs" | "certificates"> {
  return {
    proofs: proofs.text === null ? undefined : parseProofs(proofs.file, proofs.text).rows,
    certificates:
      certificates.text === null
        ? undefined
        : parseCertificates(certificates.file, certificates.text).rows,
  };
}
