import { locationsIn } from "../engine/onnx/model.ts";
import { statedShape, takesIntegers } from "../models/image-input.ts";
import { onnxChecksum } from "../models/opening/onnx-checksum.ts";
import type { OpenModel } from "../models/opening/open-model.ts";
import { type OnnxFile, type OpenOnnxOptions, openOnnx } from "../models/opening/open-onnx.ts";
import { isOwnExport } from "../models/opening/own-export.ts";
import { recordsHeldOut } from "../models/provenance.ts";
import type { AuditRequest } from "./audit-request.ts";
import type { NetworkFile } from "./sidecar.ts";
import { SidecarFiles } from "./sidecar-files.ts";

/** The model of an audit and the files beside it. Each file is read once, even if the model is opened several times. */
export class AuditedFiles {
  /** The model's path, or its name in messages. */
  readonly path: string;
  readonly sidecars: SidecarFiles;
  readonly #audit: AuditRequest;
  #onnx: Promise<OnnxFile | null> | undefined;

  constructor(audit: AuditRequest) {
    const { source } = audit;
    this.path = source.path;
    this.sidecars = new SidecarFiles((path) => source.readText(path));
    this.#audit = audit;
  }

  #file(): Promise<OnnxFile | null> {
    this.#onnx ??= this.#audit.source.onnx();
    return this.#onnx;
  }

  /** What the ONNX file states about the image input; null for a run directory or a checkpoint. */
  async network(): Promise<NetworkFile | null> {
    const file = await this.#file();
    if (file === null) return null;
    const { inputs, metadata } = file.model;
    const isOwn = await isOwnExport(file, async () => this.#audit.runtime);
    const training = { isOwn, recordsHeldOut: recordsHeldOut(metadata) };
    const declared = inputs.find(({ name }) => name === this.#audit.input) ?? inputs[0];
    if (declared === undefined) return Object.assign(training, { takesWhole: false });
    const input = { takesWhole: takesIntegers(declared), input: statedShape(declared) };
    return Object.assign(training, input);
  }

  /** The checksum of the file and of its external data (`onnxChecksum`); null for a run directory or a checkpoint. */
  async sha256(): Promise<string | null> {
    const file = await this.#file();
    return file === null ? null : onnxChecksum(file, this.#audit.host);
  }

  /** The files beside the ONNX file that hold arrays, in the order of `onnxChecksum`. */
  async externalData(): Promise<readonly string[]> {
    const file = await this.#file();
    return file === null ? [] : locationsIn(file.model.proto);
  }

  /** Opens the model with these options. */
  async open(options: OpenOnnxOptions): Promise<OpenModel> {
    const { source, host, runtime } = this.#audit;
    const file = await this.#file();
    if (file === null) return source.openOther(options);
    return openOnnx(file, options, { host, runtime: async () => runtime });
  }
}
