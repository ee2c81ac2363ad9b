import { z } from "zod";
import { makerWith } from "../math/maker.ts";
import { checkedOptions } from "../math/option-problems.ts";
import { type OwnInput, type OwnOutput, requireOwnOptions } from "../math/own-options.ts";
import { awaitPlugin, badPlugin } from "../math/plugin.ts";
import { isBuiltIn } from "../math/registry.ts";
import { checkedDataset } from "./checked-dataset.ts";
import type { DataFiles } from "./data-files.ts";
import { nameOf, type OptionValues } from "./data-name.ts";
import type { Dataset } from "./dataset.ts";
import type { DatasetContents } from "./dataset-contents.ts";
import type { DownloadSource } from "./download-source.ts";
import type { Place } from "./find.ts";
import type { FolderOptions } from "./folder-options.ts";

/** How training images are changed at random: crops and mirroring, crops alone, or not at all. */
export type AugmentationName = "crop-flip" | "crop" | "none";

/** What `defineDataset` is given. */
export interface DatasetSpecification<O extends z.ZodObject = z.ZodObject> {
  /** The name on the command line: `cifar10`; of a data set with a path what stands before the colon. */
  readonly name: string;
  /** What the images are, for help and `data list`: `your own images, one sub-folder per class`. */
  readonly text: string;
  /** The publication, or another origin. */
  readonly source: string;
  /** Whether the name needs the path of a file or folder after a colon: `folder:PATH`. Absent for a data set by itself. */
  readonly path?: "file" | "folder";
  /** How training changes images by default; absent for `crop-flip`. */
  readonly augment?: AugmentationName;
  /**
   * Options of the data set's own; absent for none. Each is described, and has a default or is optional. Option `size` of
   * `stripes` is `stripesSize` in the library, `--stripes-size` on the command line, and `stripes:size=20` in the name of the
   * data set, which results record.
   */
  readonly options?: O;
  /** The folders and files in which the data set is looked for; absent if it needs none, or names them by its path. */
  readonly place?: Omit<Place, "name">;
  /** Where `data fetch` downloads the data set; absent if it cannot be downloaded. */
  readonly downloads?: DownloadSource;
  /** Examples of each class of the published files, for `data check`. */
  readonly perClass?: { readonly train: readonly number[]; readonly test: readonly number[] };
  /**
   * Which output of a network a class is. `outputs`: labels are outputs, and not all need to occur; `names`: classes are
   * matched with the names of outputs; absent: class i is output i of a network with as many outputs.
   */
  readonly labels?: "outputs" | "names";
  /** Whether `open` resizes images while it reads them, so that their sizes may differ. */
  readonly resizes?: boolean;
  /**
   * Reads the data set from `from`. `path` follows the colon of the name, and is empty without one. `options` holds the data
   * set's own options, and how images are read and resized.
   */
  open(
    from: DataFiles,
    path: string,
    options: FolderOptions & OwnOutput<O>,
  ): DatasetContents | PromiseLike<DatasetContents>;
}

/** A data set. Called with a place to read from, it opens. Throws `UsageError` if files are missing or damaged. */
export interface DatasetDefinition<O extends z.ZodObject = z.ZodObject>
  extends DatasetSpecification<O> {
  (from: DataFiles, path?: string, options?: FolderOptions & OwnInput<O>): Promise<Dataset>;
  readonly type: "dataset";
  /** The strict schema of the data set's own options. */
  readonly options: O;
  /** The form of its name: `cifar10`, `folder:PATH`. */
  readonly form: string;
  readonly augment: AugmentationName;
}

/** The optional facts of a specification, each with its check. */
function requireFacts(self: { readonly type: string; readonly name: string }, given: object): void {
  const { path, augment, labels, open } = given as Partial<DatasetSpecification>;
  const oneOf = (field: string, value: unknown, words: readonly string[]) => {
    if (value !== undefined && !words.includes(value as string))
      throw badPlugin(
        self,
        `has ${field} ${JSON.stringify(value)}, and must have one of ${words.join(", ")}`,
      );
  };
  if (!/^[a-z][a-z0-9-]*$/.test(self.name))
    throw badPlugin(self, "needs a name of lower-case letters, digits and hyphens");
  oneOf("path", path, ["file", "folder"]);
  oneOf("augment", augment, ["crop-flip", "crop", "none"]);
  oneOf("labels", labels, ["outputs", "names"]);
  if (typeof open !== "function") throw badPlugin(self, "needs a function open(from, path)");
}

/** How images are read and resized, which a caller gives beside the own options of a data set. */
const imageOptions: { readonly [K in keyof Required<FolderOptions>]: true } = {
  prepare: true,
  maxImages: true,
  rules: true,
  takes: true,
};
const isImageOption = (name: string): boolean => Object.hasOwn(imageOptions, name);

/** The options of a call in two parts. */
function parted(given: object) {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return {
    images: Object.fromEntries(entries.filter(([name]) => isImageOption(name))) as FolderOptions,
    own: Object.fromEntries(entries.filter(([name]) => !isImageOption(name))) as OptionValues,
  };
}

/**
 * Defines a data set. Pure: `datasets.add` makes its name known. Throws `UsageError` with the code `bad-plugin` for a definition
 * of the wrong form.
 *
 * @example
 * ```ts
 * import { defineDataset, use } from "rampart";
 *
 * const grey = { pixels: new Float32Array(20 * 8 * 8).fill(0.5), labels: new Uint8Array(20) };
 * const blank = defineDataset({
 *   name: "blank",
 *   text: "grey images, all of one class",
 *   source: "this example",
 *   augment: "none",
 *   open: () => ({ shape: [1, 8, 8], classes: ["grey", "other"], train: grey, test: grey }),
 * });
 * use(blank); // known by its name from here on
 * ```
 */
export function defineDataset<O extends z.ZodObject = z.ZodObject<Record<never, never>>>(
  given: DatasetSpecification<O>,
): DatasetDefinition<O> {
  const self = { type: "dataset", name: String(given.name) } as const;
  requireFacts(self, given);
  const schema: z.ZodObject = given.options ?? z.strictObject({});
  requireOwnOptions(self, schema, {
    names: Object.keys(imageOptions),
    why: "it says how images are read, and is given to open by Rampart",
  });
  const options = schema.strict();
  const open = async (from: DataFiles, path = "", values: object = {}): Promise<Dataset> => {
    const { images, own } = parted(values);
    const resolved = checkedOptions(options, own);
    const both = Object.assign({}, images, resolved) as FolderOptions & OwnOutput<O>;
    const read = () => given.open(from, path, both);
    const name = nameOf(definition, path, own);
    if (!isBuiltIn(definition))
      return checkedDataset(definition, name, await awaitPlugin(definition, "open", read));
    const dataset = (await read()) as Dataset;
    return Object.keys(own).length === 0 ? dataset : Object.assign({}, dataset, { name });
  };
  const definition: DatasetDefinition<O> = makerWith(open, {
    type: self.type,
    name: self.name,
    form: given.path === undefined ? self.name : `${self.name}:PATH`,
    text: given.text,
    source: given.source,
    path: given.path,
    options,
    augment: given.augment ?? "crop-flip",
    place: given.place,
    downloads: given.downloads,
    perClass: given.perClass,
    labels: given.labels,
    resizes: given.resizes === true,
    open: given.open,
  }) as unknown as DatasetDefinition<O>;
  return definition;
}
