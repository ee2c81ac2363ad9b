// Reads and checks the central directory of a zip file (PKWARE APPNOTE 6.3.10).

/** An entry of the directory. */
export interface ZipEntry {
  readonly name: string;
  /** CRC-32 of the unpacked contents. */
  readonly crc: number;
}

// Signatures of the records.
const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
/** Size in bytes of the end record without its comment. */
const END_SIZE = 22;

const damaged = (why: string) => new Error(why);

/** Number of entries, offset and size of the directory, and the offset that it must end at. */
function directoryOf(view: DataView) {
  let end = view.byteLength - END_SIZE;
  while (end >= 0 && view.getUint32(end, true) !== END) end--;
  if (end < 0) throw damaged("it has no directory");
  if (end + END_SIZE + view.getUint16(end + 20, true) !== view.byteLength)
    throw damaged("bytes follow its end");
  const entries = view.getUint16(end + 10, true);
  const size = view.getUint32(end + 12, true);
  const start = view.getUint32(end + 16, true);
  const large = entries === 0xffff || size === 0xffffffff || start === 0xffffffff;
  if (!large) return { entries, start, size, limit: end };
  const locator = end - 20;
  if (locator < 0 || view.getUint32(locator, true) !== LOCATOR64)
    throw damaged("its directory is too large for a zip file without 64-bit fields");
  const end64 = Number(view.getBigUint64(locator + 8, true));
  if (view.getUint32(end64, true) !== END64) throw damaged("its directory is not where it says");
  return {
    entries: Number(view.getBigUint64(end64 + 32, true)),
    size: Number(view.getBigUint64(end64 + 40, true)),
    start: Number(view.getBigUint64(end64 + 48, true)),
    limit: end64,
  };
}

const latin1 = (bytes: Uint8Array, start: number, length: number): string =>
  new TextDecoder("latin1").decode(bytes.subarray(start, start + length));

const utf8 = (bytes: Uint8Array, start: number, length: number): string =>
  new TextDecoder().decode(bytes.subarray(start, start + length));

/**
 * The 64-bit offset of an entry, from extra field 1 in the `length` bytes at `at`. The field holds the sizes that do not fit
 * into 32 bits first.
 */
function largeOffset(view: DataView, at: number, length: number, sizes: readonly number[]): number {
  const before = sizes.filter((value) => value === 0xffffffff).length;
  for (let extra = at; extra + 4 <= at + length; extra += 4 + view.getUint16(extra + 2, true))
    if (view.getUint16(extra, true) === 1)
      return Number(view.getBigUint64(extra + 4 + 8 * before, true));
  throw damaged("it does not say where an entry lies");
}

/**
 * Reads the entries of a zip file. Throws an `Error` in a few words if the directory does not fill its place, or if an
 * entry's local header has another name or method than the directory; a `RangeError` if an offset lies outside the file.
 */
export function zipEntries(bytes: Uint8Array): readonly ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { entries, start, size, limit } = directoryOf(view);
  const found: ZipEntry[] = [];
  let at = start;
  while (found.length < entries) {
    if (at + 46 > limit || view.getUint32(at, true) !== ENTRY)
      throw damaged("its directory is cut short");
    const length = view.getUint16(at + 28, true);
    const name = latin1(bytes, at + 46, length);
    const extra = at + 46 + length;
    const sizes = [view.getUint32(at + 20, true), view.getUint32(at + 24, true)];
    const offset32 = view.getUint32(at + 42, true);
    const local =
      offset32 === 0xffffffff
        ? largeOffset(view, extra, view.getUint16(at + 30, true), sizes)
        : offset32;
    if (local + 30 > limit || view.getUint32(local, true) !== LOCAL)
      throw damaged(`${name} is not where its directory says`);
    const localName = latin1(bytes, local + 30, view.getUint16(local + 26, true));
    if (localName !== name) throw damaged(`${name} is called ${localName} in its own header`);
    // Flags and method. Some writers set flag 3 (sizes follow the contents) in only one of the two.
    const [flags, localFlags] = [at + 8, local + 6].map((from) => view.getUint16(from, true) & ~8);
    if (flags !== localFlags || view.getUint16(local + 8, true) !== view.getUint16(at + 10, true))
      throw damaged(`${name} is packed in another way than its directory says`);
    const isUtf8 = (view.getUint16(at + 8, true) & 0x800) !== 0;
    const decoded = isUtf8 ? utf8(bytes, at + 46, length) : name;
    found.push({ name: decoded, crc: view.getUint32(at + 16, true) });
    at = extra + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  if (at !== start + size || at !== limit) throw damaged("its directory has another length");
  return found;
}
