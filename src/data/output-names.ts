import { UsageError } from "../math/usage-error.ts";
import { type OutputNames, parseOutputNames } from "./classes.ts";

/** The names of outputs in the file of --classes, whose text is null if there is no such file. Throws `UsageError`. */
export function outputNamesIn(path: string, text: string | null): OutputNames {
  if (text === null)
    throw new UsageError(
      `there is no file ${path}, which --classes names; give the path of a file with one name per output`,
      { code: "not-found" },
    );
  return parseOutputNames(text, path);
}
