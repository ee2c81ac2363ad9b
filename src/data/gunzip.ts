import { UsageError } from "../math/usage-error.ts";

/** What is inside, if the bytes are gzip (checked by its CRC), else the bytes themselves. */
export async function gunzipped(path: string, bytes: Uint8Array): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    const unpacked = new Blob([bytes as Uint8Array<ArrayBuffer>])
      .stream()
      .pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(unpacked).arrayBuffer());
  } catch (cause) {
    throw new UsageError(
      `${path} (${bytes.length} bytes) is a truncated or damaged gzip file;\n  delete it and fetch it again`,
      { cause },
    );
  }
}
