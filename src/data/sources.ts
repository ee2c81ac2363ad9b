import { UsageError } from "../math/usage-error.ts";
import { datasetOf, datasets, requireDataName } from "./table.ts";

/** One download of an official data set. */
export interface Download {
  /** File name at the official address. */
  readonly file: string;
  /** MD5 of the download, as stated by the publisher or, for MNIST, by torchvision. */
  readonly md5: string;
  /** For a .tar.gz: the folder inside, and the files to keep. */
  readonly unpack?: { readonly folder: string; readonly files: readonly string[] };
}

/** Downloads of an official data set. */
export interface Source {
  /** Ends in a slash. */
  readonly address: string;
  readonly downloads: readonly Download[];
}

/** The downloads of a data set; throws a UsageError if it cannot be fetched. */
export function sourceOf(name: string): Source {
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
