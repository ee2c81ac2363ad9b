// Rows that depend on the certificates of an audit: checks of certificates, and tests of broken images.
import type { z } from "zod";
import { RowsFile } from "../../files/rows/rows-file.ts";
import { hasRows, sharedRows } from "../shared-rows.ts";
import type { ProvedAudit } from "./proved-audit.ts";

/** The file of certificates in an audit's storage. */
export const CERTIFICATES = "rows.certificates.jsonl";

/** A file of such rows. */
interface CertificateRows<R> {
  readonly name: string;
  readonly schema: z.ZodType<R>;
  /** One row in words. */
  readonly what: string;
}

/**
 * Opens a file of rows that depend on the certificates under `noise`; null where nothing is written. Throws `UsageError` if it is in
 * use, damaged, or of another model, data set or setting.
 */
export async function openCertificateRows<R extends object>(
  audit: ProvedAudit,
  noise: string,
  { name, schema, what }: CertificateRows<R>,
): Promise<RowsFile<R> | null> {
  const { out: storage, options, target, resume, note, signal } = audit;
  if (storage === undefined) return null;
  const { proveN, seed, batch } = options;
  const format = await sharedRows(audit, {
    schema,
    what,
    decides: { noise, n: proveN, seed, batch, target },
    // The certificates state the same settings, and are compared before these rows are used.
    acceptsNone: await hasRows(storage, CERTIFICATES),
  });
  return RowsFile.open({ storage, name, format, resume, note, signal });
}
