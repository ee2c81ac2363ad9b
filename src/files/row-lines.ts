// Files with one JSON object per line, to which a running process appends. Each line has a checksum.

import { crcOfText } from "../math/crc32.ts";
import { messageOf } from "../math/message-of.ts";

/** Encodes an object as a line. Its last field, `crc`, is the CRC-32 of the line without that field. */
export function rowLine(row: object): string {
  const text = JSON.stringify(row);
  return `${text.slice(0, -1)}${text === "{}" ? "" : ","}"crc":"${crcOfText(text)}"}\n`;
}

/** The error for a line that is not an object or has a wrong checksum. The message gives `FILE:LINE` and the reason. */
export class DamagedLine extends Error {}

/** Contents of a file of rows. */
export interface RowLines {
  readonly rows: readonly { readonly line: number; readonly value: object }[];
  /** Text up to the end of the last complete line. */
  readonly whole: string;
  /** Text after it: a line that a killed process did not finish, or that was cut off. */
  readonly torn: string;
}

const checksum = /,?"crc":"([0-9a-f]{8})"\}$/;

/** Parses a line: the object without its checksum, and whether the line had a checksum. Throws an `Error` with a short reason. */
export function rowOfLine(line: string): { readonly value: object; readonly checked: boolean } {
  const match = checksum.exec(line);
  const text = match === null ? line : `${line.slice(0, match.index)}}`;
  if (match !== null && crcOfText(text) !== match[1])
    throw new Error(`its checksum does not match (${line.slice(0, 60)})`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`it is not JSON (${line.slice(0, 60)})`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error(`it is not a JSON object (${line.slice(0, 60)})`);
  return { value, checked: match !== null };
}

/**
 * Parses the complete lines of a file, in order. Older versions wrote lines without checksums; after the first line with a
 * checksum, every line must have one. Throws a `DamagedLine` for the first damaged line.
 */
export function readRowLines(file: string, contents: string): RowLines {
  const end = contents.lastIndexOf("\n") + 1;
  const whole = contents.slice(0, end);
  const rows: { line: number; value: object }[] = [];
  let anyChecked = false;
  for (const [i, text] of whole.split("\n").entries()) {
    if (text.trim() === "") continue;
    const refuse = (why: string) => new DamagedLine(`${file}:${i + 1} is not a valid row: ${why}`);
    let row: ReturnType<typeof rowOfLine>;
    try {
      row = rowOfLine(text);
    } catch (error) {
      throw refuse(messageOf(error));
    }
    if (anyChecked && !row.checked)
      throw refuse("it has no checksum, but the lines above it have one");
    anyChecked = row.checked;
    rows.push({ line: i + 1, value: row.value });
  }
  return { rows, whole, torn: contents.slice(end) };
}
