import { parseCertificates } from "../certify/row.ts";
import { parseProofs } from "../verify/proof-row.ts";
import type { RowsFile } from "./evaluation.ts";

/** A file beside rows and its text; null if there is no such file. */
export interface FileBeside {
  readonly file: string;
  readonly text: string | null;
}

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
