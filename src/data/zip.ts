// The directory of a zip file (PKWARE APPNOTE 6.3.10), which says what an unpacker must find.

/** An entry as the directory states it. */
export interface ZipEntry {
  readonly name: string;
  /** CRC-32 of its unpacked bytes. */
  readonly crc: number;
}

const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
/** Bytes of the end of the directory without its comment, which has at most 2¹⁶ − 1. */
const END_SIZE = 22;

const damaged = (why: string) => new Error(why);

/** Where the directory lies, how many entries it has, and where it must end. */
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
    throw damaged("its directory is too large for it");
  const end64 = Number(view.getBigUint64(locator + 8, true));
  if (view.getUint32(end64, true) !== END64) throw damaged("its directory is not where it says");
  return {
    entries: Number(view.getBigUint64(end64 + 32, true)),
    size: Number(view.getBigUint64(end64 + 40, true)),
    start: Number(view.getBigUint64(end64 + 48, true)),
    limit: end64,
  };
}

const text = (bytes: Uint8Array, start: number, length: number): string =>
  new TextDecoder("latin1").decode(bytes.subarray(start, start + length));

const utf8 = (bytes: Uint8Array, start: number, length: number): string =>
  new TextDecoder().decode(bytes.subarray(start, start + length));

/** The 64-bit place of an entry, in the extra field 1 among `length` bytes at `at`, behind those sizes that 32 bits do not hold. */
function largePlace(view: DataView, at: number, length: number, sizes: readonly number[]): number {
  const before = sizes.filter((value) => value === 0xffffffff).length;
  for (let extra = at; extra + 4 <= at + length; extra += 4 + view.getUint16(extra + 2, true))
    if (view.getUint16(extra, true) === 1)
      return Number(view.getBigUint64(extra + 4 + 8 * before, true));
  throw damaged("it does not say where an entry lies");
}

/**
 * The entries of a zip file. Throws an `Error` that says in a few words what is wrong where the directory does not fill
 * its place, or where an entry's own header has another name or method than the directory; a `RangeError` where an
 * offset leads out of the file.
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
    const name = text(bytes, at + 46, length);
    const extra = at + 46 + length;
    const sizes = [view.getUint32(at + 20, true), view.getUint32(at + 24, true)];
    const short = view.getUint32(at + 42, true);
    const place =
      short === 0xffffffff ? largePlace(view, extra, view.getUint16(at + 30, true), sizes) : short;
    if (place + 30 > limit || view.getUint32(place, true) !== LOCAL)
      throw damaged(`${name} is not where its directory says`);
    const own = text(bytes, place + 30, view.getUint16(place + 26, true));
    if (own !== name) throw damaged(`${name} is called ${own} in its own header`);
    // Flags and method; some writers set flag 3 (sizes follow the contents) in one of the two only.
    const [flags, flagsThere] = [at + 8, place + 6].map((from) => view.getUint16(from, true) & ~8);
    if (flags !== flagsThere || view.getUint16(place + 8, true) !== view.getUint16(at + 10, true))
      throw damaged(`${name} is packed in another way than its directory says`);
    const isUtf8 = (view.getUint16(at + 8, true) & 0x800) !== 0;
    const decoded = isUtf8 ? utf8(bytes, at + 46, length) : name;
    found.push({ name: decoded, crc: view.getUint32(at + 16, true) });
    at = extra + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  if (at !== start + size || at !== limit) throw damaged("its directory has another length");
  return found;
}
