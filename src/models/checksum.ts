// The checksum of an exported model: its owner may edit the file, and whoever uses it should know.
import { crc32, crcOfText } from "../math/crc32.ts";
import type { NdArray } from "../math/tensor.ts";

/** Under which metadata it is stored. */
export const CHECKSUM = "rampart.checksum";

/**
 * CRC-32 of arrays (names, shapes and bytes, in the order of names) and of the metadata that rampart writes, in
 * hexadecimal.
 */
export function modelChecksum(
  arrays: Readonly<Record<string, NdArray>>,
  metadata: Readonly<Record<string, string>>,
): string {
  const own = Object.entries(metadata)
    .filter(([key]) => key.startsWith("rampart.") && key !== CHECKSUM)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  let sum = Number.parseInt(crcOfText(JSON.stringify(own)), 16);
  const encoder = new TextEncoder();
  for (const name of Object.keys(arrays).sort()) {
    const { shape, data } = arrays[name];
    sum = crc32(encoder.encode(JSON.stringify([name, shape])), sum);
    sum = crc32(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), sum);
  }
  return sum.toString(16).padStart(8, "0");
}
