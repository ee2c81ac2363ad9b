import { nearest } from "../math/nearest.ts";
import { UsageError } from "../math/usage-error.ts";
import { cifarPlace, openCifar } from "./cifar-format.ts";
import type { DataFiles } from "./data-files.ts";
import type { Dataset } from "./dataset.ts";
import type { Place } from "./find.ts";
import { type FolderOptions, openFolder } from "./folder.ts";
import { mnistPlace, openMnist } from "./mnist-format.ts";
import { openNpz } from "./npz.ts";
import { cifar10, cifar100, fashionMnist, mnist } from "./official-data.ts";
import { openShapes } from "./shapes.ts";

/** Opens a data set; `path` is empty for a named one. */
type Open = (from: DataFiles, path: string, options: FolderOptions) => Promise<Dataset>;

const byName: Readonly<Record<string, Open>> = {
  shapes: async () => openShapes(),
  cifar10: (from) => openCifar(cifar10, from),
  cifar100: (from) => openCifar(cifar100, from),
  mnist: (from) => openMnist(mnist, from),
  "fashion-mnist": (from) => openMnist(fashionMnist, from),
};

const byPath: Readonly<Record<string, Open>> = {
  folder: (from, path, options) => openFolder(path, from, options),
  npz: (from, path) => openNpz(path, from),
};

/** Names of the data sets that need no path. */
export const namedData: readonly string[] = Object.keys(byName);

/** Folders and files of the named data sets that are stored in files. */
export const places: Readonly<Record<string, Place>> = {
  cifar10: cifarPlace(cifar10),
  cifar100: cifarPlace(cifar100),
  mnist: mnistPlace(mnist),
  "fashion-mnist": mnistPlace(fashionMnist),
};

/** Every form of DATA on the command line. */
export const dataNames: readonly string[] = [
  ...namedData,
  ...Object.keys(byPath).map((kind) => `${kind}:PATH`),
];

/** Finds the function that opens a data set; throws a UsageError for an unknown name. */
function opener(name: string): (from: DataFiles, options: FolderOptions) => Promise<Dataset> {
  const [kind, ...rest] = name.split(":");
  const path = rest.join(":").replace(/(?<=.)\/+$/, "");
  if (Object.hasOwn(byPath, kind)) {
    if (path === "")
      throw new UsageError(
        `${name} names no ${kind === "npz" ? "file" : "folder"}; write ${kind}:PATH`,
        { code: "bad-option" },
      );
    return (from, options) => byPath[kind](from, path, options);
  }
  if (Object.hasOwn(byName, name)) return (from, options) => byName[name](from, "", options);
  const guess = nearest(rest.length === 0 ? name : kind, [...namedData, ...Object.keys(byPath)]);
  const meant =
    guess !== undefined && Object.hasOwn(byPath, guess) ? `${guess}:${path || "PATH"}` : guess;
  const help =
    meant === undefined ? `choose from ${dataNames.join(", ")}` : `did you mean ${meant}?`;
  throw new UsageError(`unknown data set ${name}; ${help}`, { code: "unknown-name" });
}

/** Throws a UsageError if `name` is no data set; does not check whether the data set is on this machine. */
export const requireDataName = (name: string): void => void opener(name);

/**
 * Opens the data set written `name` on the command line (see `dataNames`). `options` apply to folders of images only: the
 * images of other data sets have one size.
 */
export const openDataset = async (
  name: string,
  from: DataFiles,
  options: FolderOptions = {},
): Promise<Dataset> => opener(name)(from, options);
