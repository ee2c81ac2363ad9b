import { UsageError } from "../math/usage-error.ts";

/** Largest unpacked size of a small file, in bytes. */
const MAX_BYTES = 2 ** 28;
/** Largest compression ratio of a larger file. */
const MAX_RATIO = 32;

/** The bytes of a stream; null if there are more than `limit`. */
async function readAtMost(stream: ReadableStream<Uint8Array>, limit: number): Promise<Blob | null> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    size += next.value.length;
    if (size > limit) {
      await reader.cancel();
      return null;
    }
    parts.push(next.value as Uint8Array<ArrayBuffer>);
  }
  return new Blob(parts);
}

/** Unpacks gzip, whose CRC is checked; returns other bytes as they are. Throws a UsageError for a damaged file or a bomb. */
export async function gunzipped(path: string, bytes: Uint8Array): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const limit = Math.max(MAX_BYTES, MAX_RATIO * bytes.length);
  let unpacked: Blob | null;
  try {
    const packed = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
    unpacked = await readAtMost(packed.pipeThrough(new DecompressionStream("gzip")), limit);
  } catch (cause) {
    throw new UsageError(`${path} (${bytes.length} bytes) is a truncated or damaged gzip file`, {
      code: "bad-file",
      next: "delete it and fetch it again",
      cause,
    });
  }
  if (unpacked === null)
    throw new UsageError(
      `${path} (${bytes.length} bytes) unpacks to more than ${limit} bytes; it is damaged, or was made to exhaust this machine, so unpack it yourself if you trust it`,
      { code: "bad-file" },
    );
  return new Uint8Array(await unpacked.arrayBuffer());
}
