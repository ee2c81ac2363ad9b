import type { AuditedModel } from "../../audit/open-audited.ts";
import type { ImageRange } from "../../evaluate/image-range.ts";
import { weightsHash } from "../../evaluate/model-record.ts";
import type { Host } from "../../files/host/host.ts";

/** SHA-256 of an audited model: of its file, or of its weights if there is no file. */
export const modelChecksum = async ({ sha256, model }: AuditedModel, host: Host): Promise<string> =>
  sha256 ?? model.weights ?? (await weightsHash(model.parameters, host));

/**
 * SHA-256 that identifies a range of images: all labels and file names, and the pixels of the first, the middle and the last
 * image. Hashing all pixels would take as long as reading them.
 */
export async function imagesChecksum(
  { dataset, preprocessing }: AuditedModel,
  { from, to }: ImageRange,
  { sha256 }: Pick<Host, "sha256">,
): Promise<string> {
  const { shape, classes, test } = dataset;
  const indices = Array.from({ length: to - from }, (_, i) => from + i);
  const labels = indices.map((index) => Number(test.labels[index]));
  const files = indices.map((index) => test.files?.[index] ?? "");
  const { data } = test.images([...new Set([from, Math.floor((from + to) / 2), to - 1])]);
  const about = JSON.stringify({ shape, classes, preprocessing, from, to, labels, files });
  return sha256([
    new TextEncoder().encode(about),
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  ]);
}
