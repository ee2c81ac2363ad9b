// Opens a file and the images that it is trained and tested on, read as an audit reads them.
import type { AuditRequest } from "../audit/audit-request.ts";
import { openAudited } from "../audit/open-audited.ts";
import { AuditOptions } from "../audit/options.ts";
import type { Dataset } from "../data/dataset.ts";
import { isUnsplit, withHeldOutTest } from "../data/held-out.ts";
import { chooseTestData } from "../evaluate/tested-data.ts";
import type { Note } from "../math/note.ts";
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
  /** Why the file may have been trained on test images, where they were held out; null if it was not. */
  readonly seen: Note | null;
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
function aboutFile(request: AuditRequest, file: OnnxFile) {
  const { source } = request;
  let whole: Dataset | undefined;
  const openData: AuditRequest["source"]["openData"] = async (name, options) => {
    whole = await source.openData(name, Object.assign({}, options, { maxImages: undefined }));
    return withHeldOutTest(whole);
  };
  const changed = Object.assign({}, source, { onnx: async () => file, openData });
  return { about: Object.assign({}, request, { source: changed }), whole: () => whole };
}

/**
 * Why a file may have been trained on the test images that were held out of `whole`: `trained-on` if its record says that it
 * was, `held-out` if nothing is known. Null if it was not.
 */
async function seenImages(
  { source }: AuditRequest,
  model: OpenModel,
  whole: Dataset,
): Promise<Note | null> {
  const { heldOut } = withHeldOutTest(whole);
  if (!isUnsplit(whole) || heldOut === undefined) return null;
  if (model.data !== "" && (await source.isSameData(model.data, whole.name))) {
    const { warning } = chooseTestData(model, { dataset: whole, isTrainingData: true });
    return warning === null ? null : { code: "trained-on", text: warning };
  }
  const text = `${heldOut.examples} of the ${heldOut.of} images of ${whole.name} are held out for the test. If ${model.name} was trained on them before, its accuracy before is that on training images, and the loss of accuracy on clean images looks larger than it is.`;
  return { code: "held-out", text };
}

/** Opens `file` as the request asks. Throws `UsageError` for images that do not fit it. */
export async function openTrained(request: AuditRequest, file: OnnxFile): Promise<OpenedFile> {
  const { about, whole } = aboutFile(request, file);
  const opened = await openAudited(about, AuditOptions.parse({}));
  const { model, dataset, sha256, reopen } = opened;
  const seen = await seenImages(request, model, whole() ?? dataset);
  if (seen?.code === "trained-on") request.note?.(seen);
  return { file, model, dataset, sha256: sha256 ?? "", seen, reopen };
}
