import { UsageError } from "../math/usage-error.ts";
import type { Found } from "./find.ts";

/** Bytes in an idx file (LeCun's format: big-endian magic number 0 0 8 d, then d lengths, then the bytes in C order). */
export interface Idx {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Parses an idx file of bytes with this many axes; throws a UsageError for other types and for truncated files. */
export function parseIdx({ path, bytes }: Found, axes: number): Idx {
  const header = 4 + 4 * axes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = bytes.length < 4 ? -1 : view.getUint32(0);
  if (magic !== 0x800 + axes)
    throw new UsageError(
      `${path} is not an idx${axes} file of bytes: it starts with ${[...bytes.subarray(0, 4)].join(" ") || "nothing"} instead of 0 0 8 ${axes}`,
      { code: "bad-file" },
    );
  const shape = Array.from({ length: axes }, (_, i) =>
    bytes.length < header ? 0 : view.getUint32(4 + 4 * i),
  );
  const expected = header + shape.reduce((size, length) => size * length, 1);
  if (bytes.length < header || bytes.length !== expected)
    throw new UsageError(
      `${path} has ${bytes.length} bytes instead of ${Math.max(header, expected)} ([${shape.join(", ")}] after a header of ${header}), so it is truncated or damaged`,
      { code: "bad-file", next: "delete it and fetch it again" },
    );
  return { shape, data: bytes.subarray(header) };
}
