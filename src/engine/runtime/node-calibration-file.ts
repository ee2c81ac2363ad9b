import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { UsageError } from "../../math/usage-error.ts";

/** Upper bound on the size of the file in bytes; an entry takes about 150. */
const MAX_BYTES = 2 ** 24;

/**
 * Path and text of the calibration file in the user's home; `text` is undefined if there is no file. Machines that share a
 * home share the file. Throws a `UsageError` (`bad-file`) if it cannot be read.
 */
export function readCalibrationFile(): {
  readonly path: string;
  readonly text: string | undefined;
} {
  const path = join(homedir(), ".cache", "rampart", "calibration.json");
  try {
    const stats = statSync(path);
    // Opening a pipe would wait for a writer, and reading a device may never end.
    if (!stats.isFile() || stats.size > MAX_BYTES)
      throw new UsageError(
        `${path} is not what rampart bench --calibrate writes; remove it, and calibrate again`,
        { code: "bad-file" },
      );
    return { path, text: readFileSync(path, "utf8") };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const code = String((error as NodeJS.ErrnoException).code);
    if (["ENOENT", "ENOTDIR"].includes(code)) return { path, text: undefined };
    throw new UsageError(`${path} cannot be read (${code}); make it readable, or remove it`, {
      code: "bad-file",
    });
  }
}
