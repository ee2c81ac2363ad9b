/** The CRC of every byte, for the reflected polynomial of IEEE 802.3. */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

/**
 * The CRC-32 of zip, gzip and PNG (IEEE 802.3, reflected). It detects every error burst of up to 32 bits. `before` is the
 * checksum of the preceding bytes.
 */
export function crc32(bytes: Uint8Array, before = 0): number {
  let rest = ~before;
  for (let i = 0; i < bytes.length; i++) rest = (rest >>> 8) ^ table[(rest ^ bytes[i]) & 0xff];
  return ~rest >>> 0;
}

/** The CRC-32 of text in UTF-8, as eight hexadecimal digits. */
export const crcOfText = (text: string): string =>
  crc32(new TextEncoder().encode(text)).toString(16).padStart(8, "0");
