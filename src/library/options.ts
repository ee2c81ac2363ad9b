// Options that differ in `rampart` and `rampart/web`: values instead of paths. The others are those of `rampart/node`.
import type { Dataset } from "../data/dataset.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import type { Storage } from "../files/storage/storage.ts";
import type { ImportedOptions } from "../models/imported-options.ts";
import type { Format } from "../report/report-format.ts";
import type * as node from "./file-options.ts";

/** Where graphs run. */
export interface OnDevice {
  /** The runtime. In `rampart/web` also `cpu` (the default) or `webgpu`. */
  readonly device?: "cpu" | "webgpu" | Runtime | undefined;
  /** Threads of a runtime that is started; 1 by default. */
  readonly threads?: number | undefined;
}

/** Where results go. */
export interface InStorage {
  /** Files in memory (`memoryStorage()`), or in a storage of your own. Without it results are only returned. */
  readonly out?: Storage | undefined;
}

/** Test images as a value, or the name of a data set that needs no files, such as `shapes`. */
export type DataValue = Dataset | string;

type Files = "device" | "threads" | "out" | "data" | "dataDir";

/** The options of `train`. */
export interface TrainOptions extends Omit<node.TrainOptions, Files>, OnDevice {
  /** Data set: a value, or the name of one that needs no files, such as `shapes`. A resumed run needs a value again. */
  readonly data?: DataValue | undefined;
  /** Files in memory (`memoryStorage()`, the default), or in a storage of your own. */
  readonly out?: Storage | undefined;
}

/** The options of `evaluate`. */
export interface EvaluateOptions
  extends Omit<node.EvaluateOptions, Files | "classes">,
    OnDevice,
    InStorage {
  /** Test images; by default the data set of the model's training, if it needs no files. */
  readonly data?: DataValue | undefined;
  /** Names of the outputs, in their order, or by index as in a JSON file. Classes are matched with them by name. */
  readonly classes?: readonly string[] | Readonly<Record<string, unknown>> | undefined;
}

/** The options of `certify` and `predict`. */
export interface CertifyOptions extends Omit<node.CertifyOptions, Files>, OnDevice, InStorage {
  /** Test images; by default the data set of the model's training, if it needs no files. */
  readonly data?: DataValue | undefined;
}

/** A model's name, and the files beside it in which it keeps arrays. */
export interface ModelBytes {
  /** Name in tables and messages; `model.onnx` by default. */
  readonly name?: string | undefined;
  /** Files beside the model by the names that it uses, if it keeps arrays outside: `{ "weights.bin": bytes }`. */
  readonly external?: Readonly<Record<string, Uint8Array>> | undefined;
}

/** The options of `audit`. */
export interface AuditOptions
  extends Omit<node.AuditOptions, Files | "preprocessing" | "classes">,
    OnDevice,
    InStorage,
    ModelBytes {
  /** Test images; by default the data set that the file names, if it needs no files. */
  readonly data?: DataValue | undefined;
  /** The contents of a preprocessing file, parsed from JSON. */
  readonly preprocessing?: Readonly<Record<string, unknown>> | undefined;
  /** Names of the outputs, in their order, or by index as in a JSON file. */
  readonly classes?: readonly string[] | Readonly<Record<string, unknown>> | undefined;
}

/** The options of `importModel`: how the file is read, and the runtime that checks a file with a fixed batch. */
export interface ImportOptions extends ImportedOptions, OnDevice, ModelBytes {
  /** [channel, height, width] of the images, for a file that leaves them open. */
  readonly images?: readonly number[] | undefined;
}

/** The options of `report`. */
export interface ReportOptions {
  /** By default html. */
  readonly format?: Format | undefined;
}

/** How `compare` compares two results. */
export interface CompareOptions {
  /** The seed of the bootstrap; by default 0. */
  readonly seed?: number | undefined;
  /** The largest drop of accuracy that passes, a share in [0, 1]; by default nothing is decided. */
  readonly maxDrop?: number | undefined;
}
