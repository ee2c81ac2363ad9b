// Opens a file and the images that it is trained and tested on, read as an audit reads them.
import type { AuditRequest } from "../audit/audit-request.ts";
import { openAudited } from "../audit/open-audited.ts";
import { AuditOptions } from "../audit/options.ts";
import type { Dataset } from "../data/dataset.ts";
import { withHeldOutTest } from "../data/held-out.ts";
import { UsageError } from "../math/usage-error.ts";
import type { ImportedOptions } from "../models/imported-network.ts";
import type { OpenModel } from "../models/opening/open-model.ts";
import type { OnnxFile } from "../models/opening/open-onnx.ts";

/** A file, its classifier, and a data set whose labels are its outputs. */
export interface OpenedFile {
  readonly file: OnnxFile;
  readonly model: OpenModel;
  readonly dataset: Dataset;
  readonly sha256: string;
  /** Opens the file with another preprocessing. */
  reopen(changed: ImportedOptions): Promise<OpenModel>;
}

/** The file of a request. Throws `UsageError` for a run directory or a checkpoint. */
export async function requestedFile({ source }: AuditRequest): Promise<OnnxFile> {
  const file = await source.onnx();
  if (file !== null) return file;
  throw new UsageError(`${source.path} is not an .onnx file; export the model, or resume its run`, {
    code: "bad-file",
  });
}

/** The same request about another file, with all examples of the data, of which some are held out if it has no test split. */
const aboutFile = (request: AuditRequest, file: OnnxFile): AuditRequest => {
  const { source } = request;
  const openData: AuditRequest["source"]["openData"] = async (name, options) =>
    withHeldOutTest(
      await source.openData(name, Object.assign({}, options, { maxImages: undefined })),
    );
  const changed = Object.assign({}, source, { onnx: async () => file, openData });
  return Object.assign({}, request, { source: changed });
};

/** Opens `file` as the request asks. Throws `UsageError` for images that do not fit it. */
export async function openTrained(request: AuditRequest, file: OnnxFile): Promise<OpenedFile> {
  const about = aboutFile(request, file);
  const { model, dataset, sha256, reopen } = await openAudited(about, AuditOptions.parse({}));
  return { file, model, dataset, sha256: sha256 ?? "", reopen };
}
