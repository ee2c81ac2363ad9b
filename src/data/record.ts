import type { Note } from "../math/note.ts";
import type { DataFiles } from "./data-files.ts";

/** File that `data fetch` leaves beside a data set, to verify later that its files are the official ones. */
export const RECORD = "rampart-download.json";

/** Address of a download, and the MD5 of each stored file. */
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

/** Notes about files in `folder` that differ from a verified download; none if all are the same. */
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
        text: "not fetched by rampart data fetch, so the files cannot be compared with the official ones",
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
