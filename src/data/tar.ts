import { UsageError } from "../math/usage-error.ts";

const BLOCK = 512;

/** Text of a header field, up to its first zero byte. */
const field = (block: Uint8Array, from: number, length: number): string =>
  new TextDecoder().decode(block.subarray(from, from + length)).replace(/\0.*/s, "");

/** Checksum of a header, whose own checksum field counts as spaces (POSIX ustar). */
const checksum = (block: Uint8Array): number =>
  block.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 32 : byte), 0);

/**
 * Reads the regular files of a tar archive by name and ignores links, devices and folders. Throws a UsageError for a damaged
 * archive, and for a name that would lie outside the folder it is unpacked into.
 */
export function readTar(path: string, bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (let at = 0; at + BLOCK <= bytes.length; ) {
    const block = bytes.subarray(at, at + BLOCK);
    if (block.every((byte) => byte === 0)) return files;
    const size = Number.parseInt(field(block, 124, 12).trim() || "0", 8);
    if (Number.parseInt(field(block, 148, 8).trim(), 8) !== checksum(block) || !(size >= 0))
      throw new UsageError(`${path} is not a tar archive, or is damaged at byte ${at}`, {
        code: "bad-file",
      });
    const [prefix, name] = [field(block, 345, 155), field(block, 0, 100)];
    const full = prefix === "" ? name : `${prefix}/${name}`;
    const type = String.fromCharCode(block[156]);
    if (/^[/\\]|^[a-z]:|(^|[/\\])\.\.([/\\]|$)/i.test(full))
      throw new UsageError(
        `${path} holds a file ${full}, which would lie outside its folder; nothing was unpacked`,
        { code: "bad-file" },
      );
    const start = at + BLOCK;
    if (start + size > bytes.length)
      throw new UsageError(
        `${path} ends at byte ${bytes.length}, within ${full}, which needs ${start + size}; it is truncated`,
        { code: "bad-file" },
      );
    if (type === "0" || type === "\0") files.set(full, bytes.subarray(start, start + size));
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  throw new UsageError(`${path} has no end mark; it is truncated`, { code: "bad-file" });
}
