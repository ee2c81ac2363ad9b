// The file of searches for smallest radii. It is opened before the attacks, so that rows of another audit are refused at once.
import { StatedImages } from "../../data/image-checksum.ts";
import { RowsFile } from "../../files/rows/rows-file.ts";
import type { AuditRequest } from "../audit-request.ts";
import type { AuditedModel } from "../open-audited.ts";
import { type AuditOptions, searchedNorms } from "../options.ts";
import { hasRows, sharedRows } from "../shared-rows.ts";
import { RADII, RadiusRow } from "./radius-row.ts";
import { searchEfforts } from "./search.ts";

/** An audit before its attacks. */
interface BegunAudit {
  readonly options: AuditOptions;
  readonly audit: AuditRequest;
  readonly audited: AuditedModel;
}

/** How much the search of an audit spends on an image. */
export const effortOf = ({ minutes, budget }: AuditOptions) =>
  searchEfforts[minutes === undefined ? budget : "quick"];

/**
 * Opens the file of searches; null where none is stored. `attackRows` is the file of the attacks' rows. Throws `UsageError` for
 * searches of another model, of other images or of other settings.
 */
export async function openRadii(
  { options, audit, audited }: BegunAudit,
  attackRows: string,
): Promise<RowsFile<RadiusRow> | null> {
  const { out: storage, resume = false, host, command, note, signal } = audit;
  const { model, dataset } = audited;
  const isRandomised = (options.noise ?? model.noise) !== null;
  if (storage === undefined || isRandomised || searchedNorms(options).length === 0) return null;
  const images = new StatedImages(dataset.test);
  const format = await sharedRows<RadiusRow>(
    { model, dataset, host, command },
    {
      schema: RadiusRow,
      what: "search for a smallest radius",
      decides: { seed: options.seed, effort: effortOf(options) },
      acceptsNone: await hasRows(storage, attackRows),
      check(row, what) {
        // Rows beyond the images of this audit belong to one of more examples.
        if (row.index < images.size) images.require(row, what);
      },
    },
  );
  return RowsFile.open({ storage, name: RADII, format, resume, note, signal });
}
