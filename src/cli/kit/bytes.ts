import { lookUp } from "../../math/look-up.ts";
import { UsageError } from "../../math/usage-error.ts";

const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** Parses a size in bytes: `4GiB`, `500 MB`, `1.5gb`, or a plain number of bytes. The error names `flag`. */
export function bytesOf(text: string, flag: string): number {
  const [, number = "", unit = ""] = /^\s*(\d+\.?\d*|\.\d+)\s*([a-z]*)\s*$/i.exec(text) ?? [];
  const factor = lookUp(UNITS, unit.toLowerCase() || "b");
  const bytes = Math.floor(Number(number) * (factor ?? Number.NaN));
  if (number === "" || !(bytes > 0) || !Number.isSafeInteger(bytes))
    throw new UsageError(`${flag} is ${JSON.stringify(text)}; give a size such as 4GiB or 500MB`, {
      code: "bad-option",
    });
  return bytes;
}
