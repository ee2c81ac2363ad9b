import type { Dataset } from "../../data/dataset.ts";
import type { RuntimeTarget } from "../../engine/runtime/runtime.ts";
import type { ImageRange } from "../../evaluate/image-range.ts";
import type { Host } from "../../files/host/host.ts";
import type { OpenModel } from "../../models/opening/open-model.ts";
import type { Noise } from "../../noise/noise.ts";
import { type Cell, type CellWork, keyedWork } from "../cell.ts";
import { checksumOf } from "../cells/model.ts";
import { canonicalJson, codeOfPlugins, codeVersion, keyOfValue } from "../key.ts";

/** The inputs of a plan's expansion. */
export interface PlanContext {
  readonly target: RuntimeTarget;
  readonly host: Host;
  openData(name: string): Promise<Dataset>;
  /** Opens a model file of the plan: its path for workers, the SHA-256 of its bytes, and the model. */
  openFile(
    file: string,
    reading: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly path: string; readonly sha256: string; readonly model: OpenModel }>;
  readonly noiseNamed?: ((name: string) => Noise) | undefined;
}

/** The cells of a plan during its expansion, and the data that they share, opened and hashed once. */
export class CellList {
  readonly cells: Cell[] = [];
  readonly #context: PlanContext;
  readonly #keys = new Set<string>();
  readonly #datasets = new Map<string, Promise<Dataset>>();
  readonly #sums = new Map<string, Promise<string>>();

  constructor(context: PlanContext) {
    this.#context = context;
  }

  /** The data set of a name. */
  open(name: string): Promise<Dataset> {
    const opened = this.#datasets.get(name) ?? this.#context.openData(name);
    this.#datasets.set(name, opened);
    return opened;
  }

  /** The checksum of a range of a split, computed once. */
  sum(dataset: Dataset, split: "train" | "test", range: ImageRange): Promise<string> {
    const name = canonicalJson([dataset.name, split, dataset[split].size, range]);
    const sum =
      this.#sums.get(name) ?? checksumOf(dataset, dataset[split], range, this.#context.host);
    this.#sums.set(name, sum);
    return sum;
  }

  /** Adds a cell of this code and runtime, unless there is an equal cell. */
  async add(
    work: Omit<CellWork, "code" | "plugins" | "target">,
    about: Pick<Cell, "label" | "labels" | "priority" | "cost">,
  ): Promise<Cell> {
    const { target, host } = this.#context;
    const whole: CellWork = { ...work, code: codeVersion(), plugins: codeOfPlugins(), target };
    const cell: Cell = { key: await keyOfValue(keyedWork(whole), host), work: whole, ...about };
    if (this.#keys.has(cell.key)) return cell;
    this.#keys.add(cell.key);
    this.cells.push(cell);
    return cell;
  }
}
