import type { Note } from "../math/note.ts";
import type { DataFiles } from "./data-files.ts";

/** The file that a fetched data set carries; it tells later whether its files are still the official ones. */
export const RECORD = "rampart-download.json";

/** What was downloaded, and the MD5 of each file that was kept. */
export interface DownloadRecord {
  readonly address: string;
  readonly files: Readonly<Record<string, string>>;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isRecord = (value: unknown): value is DownloadRecord =>
  isObject(value) &&
  typeof value.address === "string" &&
  isObject(value.files) &&
  Object.values(value.files).every((sum) => typeof sum === "string");

function parsed(bytes: Uint8Array): DownloadRecord | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Notes on whether the files in `folder` are those of a verified download; none if they are. */
export async function unofficialNotes(
  folder: string,
  from: DataFiles,
  md5: (bytes: Uint8Array) => string,
): Promise<Note[]> {
  const bytes = await from.read(`${folder}/${RECORD}`);
  const record = bytes === undefined ? undefined : parsed(bytes);
  if (record === undefined)
    return [
      {
        code: "unverified-files",
        text: "not fetched by rampart data fetch, so nothing tells whether all files are the official ones",
      },
    ];
  const notes: Note[] = [];
  for (const [file, expected] of Object.entries(record.files)) {
    const contents = await from.read(`${folder}/${file}`);
    const found = contents === undefined ? "missing" : md5(contents);
    if (found !== expected)
      notes.push({
        code: "changed-file",
        text: `${folder}/${file} has changed since its download: MD5 ${expected}, now ${found}`,
      });
  }
  return notes;
}
