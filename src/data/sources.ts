import { UsageError } from "../math/usage-error.ts";
import type { DownloadSource } from "./download-source.ts";
import { datasetOf, datasets, requireDataName } from "./table.ts";

/** The downloads of a data set; throws a UsageError if it cannot be fetched. */
export function sourceOf(name: string): DownloadSource {
  requireDataName(name);
  const { downloads, path, place } = datasetOf(name);
  if (downloads !== undefined) return downloads;
  const why = path === undefined && place === undefined ? "is computed" : "is your own";
  const fetched = datasets.all.filter((one) => one.downloads !== undefined);
  throw new UsageError(
    `${name} ${why}, there is nothing to fetch; fetch ${fetched.map((one) => one.name).join(", ")}`,
    { code: "bad-option" },
  );
}
