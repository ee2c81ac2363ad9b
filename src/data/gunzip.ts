import { UsageError } from "../math/usage-error.ts";

/** Bytes that may come out: a floor, or more in proportion to what goes in. */
const MAX_BYTES = 2 ** 28;
const BYTES_PER_STORED = 32;

/** The bytes of a stream, or null where there are more than `most`. */
async function within(stream: ReadableStream<Uint8Array>, most: number): Promise<Blob | null> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    size += next.value.length;
    if (size > most) {
      await reader.cancel();
      return null;
    }
    parts.push(next.value as Uint8Array<ArrayBuffer>);
  }
  return new Blob(parts);
}

/** What is inside, if the bytes are gzip (checked by its CRC), else the bytes themselves. */
export async function gunzipped(path: string, bytes: Uint8Array): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const most = Math.max(MAX_BYTES, BYTES_PER_STORED * bytes.length);
  let unpacked: Blob | null;
  try {
    const packed = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
    unpacked = await within(packed.pipeThrough(new DecompressionStream("gzip")), most);
  } catch (cause) {
    throw new UsageError(`${path} (${bytes.length} bytes) is a truncated or damaged gzip file`, {
      code: "bad-file",
      next: "delete it and fetch it again",
      cause,
    });
  }
  if (unpacked === null)
    throw new UsageError(
      `${path} (${bytes.length} bytes) unpacks to more than ${most} bytes; it is damaged, or was made to exhaust this machine, so unpack it yourself if you trust it`,
      { code: "bad-file" },
    );
  return new Uint8Array(await unpacked.arrayBuffer());
}
