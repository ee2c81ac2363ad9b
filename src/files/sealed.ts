// JSON documents with a checksum of their contents.

import { crcOfText } from "../math/crc32.ts";
import { UsageError } from "../math/usage-error.ts";

/** An object as indented JSON; its last field, `crc`, is the CRC-32 of the object without it, written in one line. */
export function sealedJson(value: object): string {
  const text = JSON.stringify(value);
  const plain: object = JSON.parse(text);
  return `${JSON.stringify({ ...plain, crc: crcOfText(JSON.stringify(plain)) }, null, 2)}\n`;
}

/**
 * The object in such a text without its checksum; older files have none. Throws a UsageError with `advice` where the text
 * is no JSON object, or its checksum does not fit.
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
    throw damaged("it is no JSON object");
  const { crc, ...rest } = parsed as Record<string, unknown>;
  if (crc !== undefined && crc !== crcOfText(JSON.stringify(rest)))
    throw damaged(
      "its checksum does not match its contents (after a change by hand, remove its field crc)",
    );
  return rest;
}
