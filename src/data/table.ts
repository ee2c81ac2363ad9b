// The table of data sets. A data set is one file and one row here.
import { nearest, unknownDefinition } from "../math/nearest.ts";
import { Registry } from "../math/registry.ts";
import { UsageError } from "../math/usage-error.ts";
import { cifar10 } from "./cifar10.ts";
import { cifar100 } from "./cifar100.ts";
import type { DataFiles } from "./data-files.ts";
import { kindOf, type OptionValues, partsOf } from "./data-name.ts";
import type { Dataset } from "./dataset.ts";
import type { DatasetDefinition } from "./define-dataset.ts";
import { fashionMnist } from "./fashion-mnist.ts";
import type { Place } from "./find.ts";
import { folder } from "./folder.ts";
import type { FolderOptions } from "./folder-options.ts";
import { mnist } from "./mnist.ts";
import { npz } from "./npz-dataset.ts";
import { shapes } from "./shapes.ts";

/** The data sets by name, without paths. A plug-in's data set is added last. */
export const datasets = new Registry<DatasetDefinition>("data set", [
  shapes,
  cifar10,
  cifar100,
  mnist,
  fashionMnist,
  folder,
  npz,
]);

/** Every form of DATA on the command line: `cifar10`, `folder:PATH`. */
export const dataForms = (): readonly string[] => datasets.all.map(({ form }) => form);

/** The forms of data sets that need a path. */
export const pathForms = (): readonly string[] =>
  datasets.all.filter(({ path }) => path !== undefined).map(({ form }) => form);

/** The definition of a data set by its name with or without a path: `folder:photos`. Undefined for the name of none. */
export const findDataset = (name: string): DatasetDefinition | undefined =>
  datasets.find(kindOf(name));

/** The folders and files of a data set; undefined if it is not stored in files, or names them by its path. */
export function placeOf(name: string): Place | undefined {
  const place = findDataset(name)?.place;
  return place === undefined ? undefined : { name, folders: place.folders, files: place.files };
}

/** The definition, the path and the options in a data set's name. */
interface ParsedName {
  readonly definition: DatasetDefinition;
  readonly path: string;
  readonly options: OptionValues;
}

/** Parses a data set's name. Throws `UsageError` for an unknown name, a missing path or an option out of range. */
function parsed(name: string): ParsedName {
  const [kind, ...rest] = name.split(":");
  const definition = datasets.find(kind);
  if (definition !== undefined) {
    const { path, options } = partsOf(definition, name);
    if (definition.path !== undefined && path === "")
      throw new UsageError(`${name} names no ${definition.path}; write ${definition.form}`, {
        code: "bad-option",
      });
    // A colon without options after it is a mistake in a name without a path.
    const isWhole = rest.length === Object.keys(options).length;
    if (definition.path !== undefined || isWhole) return { definition, path, options };
  }
  const path = rest.join(":").replace(/(?<=.)\/+$/, "");
  const guess = nearest(rest.length === 0 ? name : kind, datasets.names);
  const isPath = guess !== undefined && datasets.find(guess)?.path !== undefined;
  const meant = isPath ? `${guess}:${path || "PATH"}` : guess;
  const help =
    meant === undefined ? `choose from ${dataForms().join(", ")}` : `did you mean ${meant}?`;
  throw unknownDefinition(`unknown data set ${name}; ${help}`);
}

/** The path in a data set's name; empty without one. Throws `UsageError` as `requireDataName` does. */
export const pathIn = (name: string): string => parsed(name).path;

/** The definition of the data set written `name` on the command line. Throws `UsageError` as `requireDataName` does. */
export const datasetOf = (name: string): DatasetDefinition => parsed(name).definition;

/** Throws a UsageError if `name` is not a data set; does not check whether the data set is on this machine. */
export const requireDataName = (name: string): void => void parsed(name);

/**
 * Opens the data set written `name` on the command line (see `dataForms`). `options` apply to folders of images only: the
 * images of other data sets have one size.
 */
export async function openDataset(
  name: string,
  from: DataFiles,
  options: FolderOptions = {},
): Promise<Dataset> {
  const { definition, path, options: own } = parsed(name);
  return definition(from, path, Object.assign({}, options, own));
}
