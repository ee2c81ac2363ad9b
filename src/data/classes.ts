import { messageOf } from "../math/message-of.ts";
import { nearest } from "../math/nearest.ts";
import { UsageError } from "../math/usage-error.ts";

/** Names of a network's outputs by index. An output may have several names or none. */
export type OutputNames = ReadonlyMap<number, readonly string[]>;

/** A WordNet id, as ImageNet names its classes. */
const wordNetId = /^n\d{8}$/;

/** Names on a line: `tench`, or as in ImageNet's lists `n01440764 tench, Tinca tinca`, where the id is a second name. */
function namesOfLine(line: string): string[] {
  const text = line.trim();
  const [first] = text.split(/[\s,]+/);
  if (!wordNetId.test(first)) return [text];
  const synonyms = text.slice(first.length).replace(/^[\s,]+/, "");
  return synonyms === "" ? [first] : [first, synonyms];
}

const isIndex = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 0;

/** Describes a value that should have been a name, for messages. Lists are not written out: they may be nested very deeply. */
function kindOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  if (!Array.isArray(value)) return "an object";
  return value.length === 0 ? "[]" : "a list of values that are not names";
}

function namesOfEntry(value: unknown, where: string): string[] {
  if (typeof value === "string") return namesOfLine(value);
  if (Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === "string"))
    return value;
  throw new UsageError(`${where} is ${kindOf(value)}; a class has a name, or a list of names`, {
    code: "bad-file",
  });
}

/** Keys of the classes in a model's config.json: Hugging Face's and timm's. */
const configKeys = ["id2label", "label_names"];

/** Output names in the JSON of a config.json; null if it has none, or only placeholders (`LABEL_0`). */
export function namesInConfig(parsed: unknown, path: string): OutputNames | null {
  if (typeof parsed !== "object" || parsed === null) return null;
  const found = configKeys
    .map((key) => (parsed as Readonly<Record<string, unknown>>)[key])
    .find((value) => typeof value === "object" && value !== null);
  if (found === undefined || Object.keys(found as object).length === 0) return null;
  const names = namesOfOutputs(entriesOf(found, path), path);
  const isPlaceholder = [...names.values()].flat().every((name) => /^LABEL_\d+$/.test(name));
  return isPlaceholder ? null : names;
}

/** Index and names of each output in a JSON list, an object from index to names, or an object from name to index. */
function entriesOf(parsed: unknown, path: string): (readonly [number, readonly string[]])[] {
  if (Array.isArray(parsed))
    return parsed.map((value, i) => [i, namesOfEntry(value, `${path}: entry ${i}`)]);
  if (typeof parsed !== "object" || parsed === null)
    throw new UsageError(`${path} holds no list or object of class names`, { code: "bad-file" });
  return Object.entries(parsed).map(([key, value]) => {
    if (/^\d+$/.test(key) && !isIndex(value))
      return [Number(key), namesOfEntry(value, `${path}: entry ${key}`)];
    if (isIndex(value)) return [value, namesOfLine(key)];
    throw new UsageError(
      `${path}: ${JSON.stringify(key)} is neither the index of an output nor a name with an index`,
      { code: "bad-file" },
    );
  });
}

/**
 * Parses the names of a network's outputs: a name on each line, in order; a JSON list; or a JSON object, from index to names
 * as in ImageNet's class index (`{"0": ["n01440764", "tench"]}`) or from name to index. Throws a UsageError with `path`.
 */
export function parseOutputNames(text: string, path: string): OutputNames {
  const trimmed = text.replace(/^\uFEFF/, "").trim();
  let entries: (readonly [number, readonly string[]])[];
  if (/^[[{]/.test(trimmed)) {
    let parsed: unknown;
    try {
      parsed = JSON.parse(trimmed);
    } catch (error) {
      throw new UsageError(`${path} begins like JSON but is not JSON: ${messageOf(error)}`, {
        code: "bad-file",
      });
    }
    const isConfig = configKeys.some(
      (key) => typeof parsed === "object" && parsed !== null && Object.hasOwn(parsed, key),
    );
    const inside = isConfig ? namesInConfig(parsed, path) : null;
    if (inside !== null) return inside;
    entries = entriesOf(parsed, path);
  } else
    entries = trimmed === "" ? [] : trimmed.split(/\r?\n/).map((line, i) => [i, namesOfLine(line)]);
  return namesOfOutputs(entries, path);
}

/** The names by output; an output may have several entries. Throws a UsageError if there are none. */
function namesOfOutputs(
  entries: readonly (readonly [number, readonly string[]])[],
  path: string,
): OutputNames {
  if (entries.length === 0) throw new UsageError(`${path} names no classes`, { code: "bad-file" });
  const names = new Map<number, string[]>();
  for (const [index, added] of entries) {
    const found = names.get(index);
    // Not a new list per entry: a file may give one output thousands of names.
    if (found === undefined) names.set(index, [...added]);
    else for (const name of added) found.push(name);
  }
  return names;
}

/** A name without differences of case, spaces and separators: `Golden_Retriever` is `golden retriever`. */
const normalised = (name: string): string =>
  name
    .normalize("NFC")
    .toLowerCase()
    .replace(/[\s_-]+/g, " ")
    .trim();

/**
 * The output of each class folder, in the order of the folders. Names decide; without names, folder i is output i, and there
 * must be as many folders as outputs. `outputs` is the number of the network's outputs. Throws a UsageError for a folder
 * without an output and for two folders with the same output.
 */
export function outputsOfFolders(
  folders: readonly string[],
  outputs: number,
  names?: OutputNames,
): number[] {
  if (names === undefined) {
    if (folders.length === outputs) return folders.map((_, i) => i);
    const areIds = folders.every((name) => wordNetId.test(name));
    const idAdvice = areIds ? ", such as ImageNet's class index, which knows WordNet ids" : "";
    throw new UsageError(
      `there are ${folders.length} class folders and the network has ${outputs} outputs, so a folder's place does not say which output it is; give the outputs' names with --classes FILE${idAdvice}`,
      { code: "misfit" },
    );
  }
  const beyond = [...names.keys()].find((index) => index >= outputs);
  if (beyond !== undefined)
    throw new UsageError(
      `--classes names output ${beyond} (${names.get(beyond)?.join(", ")}), but the network has ${outputs}: 0 to ${outputs - 1}`,
      { code: "misfit" },
    );
  const exact = indicesBy(names, (name) => [name.normalize("NFC")]);
  const alike = indicesBy(names, (name) => [normalised(name)]);
  const synonyms = indicesBy(names, (name) => name.split(",").map(normalised));
  const found = folders.map((folder) => {
    const indices =
      exact.get(folder.normalize("NFC")) ??
      alike.get(normalised(folder)) ??
      synonyms.get(normalised(folder)) ??
      new Set<number>();
    if (indices.size > 1)
      throw new UsageError(
        `--classes gives the name ${folder} to outputs ${[...indices].join(" and ")}; name the folder by an id that only one has`,
        { code: "misfit" },
      );
    const [index] = indices;
    if (index !== undefined) return index;
    const meant = nearest(folder, [...exact.keys()]);
    throw new UsageError(
      `--classes names no output ${folder}${meant === undefined ? "" : `; did you mean ${meant}?`}`,
      { code: "misfit" },
    );
  });
  const twice = found.findIndex((index, i) => found.indexOf(index) !== i);
  if (twice >= 0)
    throw new UsageError(
      `folders ${folders[found.indexOf(found[twice])]} and ${folders[twice]} are both output ${found[twice]}; join them`,
      { code: "misfit" },
    );
  return found;
}

/** Indices of the outputs by each key of their names. */
function indicesBy(
  names: OutputNames,
  keys: (name: string) => readonly string[],
): Map<string, Set<number>> {
  const indices = new Map<string, Set<number>>();
  for (const [index, all] of names)
    for (const key of all.flatMap(keys)) {
      const found = indices.get(key) ?? new Set<number>();
      indices.set(key, found.add(index));
    }
  return indices;
}
