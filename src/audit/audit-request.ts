// The inputs of an audit: the file and how to read it, the images, the runtime, and the destination of results.
import type { Dataset } from "../data/dataset.ts";
import type { FolderOptions } from "../data/folder-options.ts";
import type { ImageRules } from "../data/image-rules.ts";
import type { Preprocessing } from "../data/preprocessing.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import type { Host } from "../files/host/host.ts";
import type { Storage } from "../files/storage/storage.ts";
import type { OnNote } from "../math/note.ts";
import type { ImportedOptions } from "../models/imported-network.ts";
import type { OpenModel } from "../models/opening/open-model.ts";
import type { OnnxFile, OpenOnnxOptions } from "../models/opening/open-onnx.ts";
import type { Noise } from "../noise/noise.ts";
import type { FormatName } from "./formats/table.ts";

/** How to read a third-party file: settings that the file does not state. */
export interface AuditedFile
  extends Omit<ImportedOptions, "raw" | keyof Preprocessing>,
    Preprocessing {
  /** JSON file that states the preprocessing; by default a file beside the model, `none` to ignore such files. */
  readonly preprocessing?: string | undefined;
  /** File with the names of the outputs; by default the config.json beside the model, if it names the folders. */
  readonly classes?: string | undefined;
  /** How transparency, orientation and 16-bit grey in image files are handled. */
  readonly rules?: ImageRules | undefined;
}

/** How an audit runs, reports its progress and is recorded. */
export interface AuditContext extends AuditedFile {
  readonly runtime: Runtime;
  /** Data set; by default the data set that the file names. */
  readonly data?: string | undefined;
  readonly resume?: boolean;
  /** Adversarial examples per attack and radius that are stored with full precision. */
  readonly saveExamples?: number;
  /** Formats in which the result is also written to `out`, for other programs; none by default. */
  readonly format?: readonly FormatName[] | undefined;
  /** Test images that are written to `inputs` in `out` as the network sees them; none by default. */
  readonly saveInputs?: number;
  readonly signal?: AbortSignal;
  /** The command as typed, for the record. */
  readonly command?: string;
  /** Called with notes for a reader of the result, such as where the preprocessing was found. */
  readonly note?: OnNote;
}

/** An audit to run on this machine. */
export interface NodeAudit extends AuditContext {
  readonly dataDir?: string | undefined;
  /** Folder of rows, summary.json, report.html and images; without it nothing is written. */
  readonly out?: string;
}

/** The request for an audit, on any platform. */
export interface AuditRequest extends AuditContext {
  /** Whether rows record their time; true by default. */
  readonly timed?: boolean | undefined;
  readonly source: AuditSource;
  readonly host: Host;
  /** Starts a runtime with the plain lowering, for bounds, if `runtime` has another lowering. */
  readonly startBounds?: (() => Promise<Runtime>) | undefined;
  /** The destination of rows, summary.json, report.html and images; undefined if nothing is written. */
  readonly out?: Storage | undefined;
  /** Makes a noise by its name; a platform may draw in threads. */
  readonly noiseNamed?: ((name: string) => Noise) | undefined;
}

/** The source of an audit's model, of the files beside it and of the images. */
export interface AuditSource {
  /** The model's path, or its name in messages. */
  readonly path: string;
  /** The ONNX file; null for a run directory or a checkpoint. */
  onnx(): Promise<OnnxFile | null>;
  /** Opens a model that is not an ONNX file. */
  openOther(options: OpenOnnxOptions): Promise<OpenModel>;
  /** Text of a file; null if there is no such file. */
  readText(path: string): Promise<string | null>;
  /** Whether two names of data sets refer to the same files. */
  isSameData(a: string, b: string): Promise<boolean>;
  openData(name: string, options: FolderOptions): Promise<Dataset>;
}
