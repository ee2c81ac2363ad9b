import type { Dataset } from "../../data/dataset.ts";
import type { FolderOptions } from "../../data/folder-options.ts";
import { openDatasetInNode } from "../../data/node.ts";

/** Opens data sets for the cells of a process. Caches the last one, because the next cell often has the same. */
export class KeptData {
  readonly #open: (name: string, options?: FolderOptions) => Promise<Dataset>;
  #name = "";
  #dataset: Promise<Dataset> | undefined;

  constructor(
    dataDir: string | undefined,
    open = (name: string, options?: FolderOptions) =>
      openDatasetInNode(name, Object.assign({}, options, { dataDir })),
  ) {
    this.#open = open;
  }

  /** Whether a data set is the same for every model. Folders and files are resized and cropped for the model. */
  static isKept(name: string): boolean {
    return !name.includes(":");
  }

  /** The data set of a name. */
  open(name: string, options?: FolderOptions): Promise<Dataset> {
    if (!KeptData.isKept(name)) return this.#open(name, options);
    if (this.#dataset !== undefined && this.#name === name) return this.#dataset;
    const dataset = this.#open(name, options);
    this.#name = name;
    this.#dataset = dataset;
    // A failed read is not cached, because a later attempt may succeed.
    dataset.catch(() => {
      if (this.#dataset === dataset) this.#dataset = undefined;
    });
    return dataset;
  }
}
