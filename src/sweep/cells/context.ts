import type { AuditSource } from "../../audit/audit-request.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { Runtime } from "../../engine/runtime/runtime.ts";
import type { TestedData } from "../../evaluate/tested-data.ts";
import type { Host } from "../../files/host/host.ts";
import type { Storage } from "../../files/storage/storage.ts";
import type { OnNote } from "../../math/note.ts";
import type { OpenModel } from "../../models/opening/open-model.ts";
import type { OnnxFile } from "../../models/opening/open-onnx.ts";
import type { Noise } from "../../noise/noise.ts";
import type { Cell } from "../cell.ts";

/** The parts of the platform and the store that the computation of a cell needs. */
export interface CellContext {
  /** The cell's own files, which may contain the work of an earlier attempt. */
  readonly files: Storage;
  /** A file of the result of an input. */
  input(key: string, name: string): Promise<Uint8Array>;
  /** The definition of an input. */
  cell(key: string): Cell;
  readonly runtime: Runtime;
  /** Starts a runtime with the plain lowering, which computes bounds. */
  startBounds(): Promise<Runtime>;
  /** A host without time and machine, so that results do not depend on them. */
  readonly host: Host;
  openData(name: string): Promise<Dataset>;
  /** The test images of a model. */
  openTested(model: OpenModel, data: string | undefined): Promise<TestedData>;
  /** The source of an audit's model, of the files beside it, and of its images. */
  auditSource(path: string): AuditSource;
  /** Reads an .onnx file; its external files lie beside it. */
  readOnnx(path: string): Promise<OnnxFile>;
  readonly noiseNamed?: ((name: string) => Noise) | undefined;
  readonly signal: AbortSignal;
  readonly note: OnNote;
  progress(done: number, total: number): void;
}

/** The files of a finished cell, and the data that was left out of them; null if the signal stopped the cell. */
export type CellResult = {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly removed: Readonly<Record<string, unknown>>;
} | null;

/** A host without time and machine. */
export const timelessHost = ({ sha256 }: Pick<Host, "sha256">): Host => ({
  machine: () => ({}),
  now: () => new Date(0),
  sha256,
});
