// JSON files with a checksum of their contents.

import { crcOfText } from "../math/crc32.ts";
import { UsageError } from "../math/usage-error.ts";

/** Encodes an object as indented JSON. Its last field, `crc`, is the CRC-32 of the other fields as JSON in one line. */
export function sealedJson(value: object): string {
  const text = JSON.stringify(value);
  const plain: object = JSON.parse(text);
  return `${JSON.stringify({ ...plain, crc: crcOfText(JSON.stringify(plain)) }, null, 2)}\n`;
}

/**
 * Parses such a file and removes the checksum, which older files lack. Throws a UsageError with `advice` if the text is no
 * JSON object or its checksum is wrong.
 */
export function openedJson(file: string, text: string, advice: string): Record<string, unknown> {
  const damaged = (why: string) =>
    new UsageError(`${file} is damaged: ${why}`, { code: "bad-file", next: advice });
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw damaged("it is not JSON");
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw damaged("it is not a JSON object");
  const { crc, ...rest } = parsed as Record<string, unknown>;
  if (crc !== undefined && crc !== crcOfText(JSON.stringify(rest)))
    throw damaged(
      "its checksum does not match its contents (after a change by hand, remove its field crc)",
    );
  return rest;
}
