// The checksum of an exported model, which shows whether the file was edited since the export.
import { crc32, crcOfText } from "../math/crc32.ts";
import type { NdArray } from "../math/tensor.ts";

/** The metadata key that holds the checksum. */
export const CHECKSUM = "rampart.checksum";

/**
 * CRC-32, as 8 hexadecimal digits, of the `rampart.…` metadata and of all arrays, of any shape: names, shapes and bytes,
 * sorted by name.
 */
export function modelChecksum(
  arrays: Readonly<Record<string, NdArray>>,
  metadata: Readonly<Record<string, string>>,
): string {
  const entries = Object.entries(metadata)
    .filter(([key]) => key.startsWith("rampart.") && key !== CHECKSUM)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  let sum = Number.parseInt(crcOfText(JSON.stringify(entries)), 16);
  const encoder = new TextEncoder();
  for (const name of Object.keys(arrays).sort()) {
    const { shape, data } = arrays[name];
    sum = crc32(encoder.encode(JSON.stringify([name, shape])), sum);
    sum = crc32(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), sum);
  }
  return sum.toString(16).padStart(8, "0");
}
