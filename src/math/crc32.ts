/** Remainders of every byte by the polynomial of IEEE 802.3, reflected. */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

/**
 * CRC-32 as zip, gzip and PNG use it (IEEE 802.3, reflected); finds every change of up to 32 bits in a row. `before` is the
 * checksum of what stands before these bytes.
 */
export function crc32(bytes: Uint8Array, before = 0): number {
  let rest = ~before;
  for (let i = 0; i < bytes.length; i++) rest = (rest >>> 8) ^ table[(rest ^ bytes[i]) & 0xff];
  return ~rest >>> 0;
}

/** The CRC-32 of text in UTF-8, as eight hexadecimal digits. */
export const crcOfText = (text: string): string =>
  crc32(new TextEncoder().encode(text)).toString(16).padStart(8, "0");
