// The checksum that identifies an ONNX file, with the files beside it that hold arrays.
import { locationsIn, type OnnxModel } from "../../engine/onnx/model.ts";
import type { Host } from "../../files/host/host.ts";
import { UsageError } from "../../math/usage-error.ts";

/** What a model is read from: the unpacked file, and its message with the files beside it. */
interface ReadModel {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly model: Pick<OnnxModel, "proto" | "external">;
}

/**
 * SHA-256 of all bytes that a model is read from, in hexadecimal digits. For a file without external data it is the checksum of
 * the unpacked file; otherwise that of `(cat model.onnx; sha256sum model.onnx.data) | sha256sum`, with the files in the order in
 * which the model names them first. Throws `UsageError` (`not-found`) if one of them was not read.
 */
export async function onnxChecksum(
  { path, bytes, model }: ReadModel,
  { sha256 }: Pick<Host, "sha256">,
): Promise<string> {
  const parts = [bytes];
  for (const location of locationsIn(model.proto)) {
    const stored = model.external.get(location);
    if (stored === undefined)
      throw new UsageError(
        `${path} keeps arrays in ${location}, which was not read; keep both files in one folder`,
        { code: "not-found" },
      );
    parts.push(new TextEncoder().encode(`${await sha256([stored])}  ${location}\n`));
  }
  return sha256(parts);
}
