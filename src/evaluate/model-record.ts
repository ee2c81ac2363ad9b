import type { Host } from "../files/host/host.ts";
import { DamagedLine, readRowLines } from "../files/row-lines.ts";
import type { OnNote } from "../math/note.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Parameters } from "../models/architecture.ts";
import type { Settings } from "./settings.ts";

/** SHA-256 over names and values, in the order of names; its first 16 hexadecimal digits identify the network. */
export async function weightsHash(parameters: Parameters, { sha256 }: Host): Promise<string> {
  const encoder = new TextEncoder();
  const parts: Uint8Array[] = [];
  for (const name of Object.keys(parameters).sort()) {
    const { data } = parameters[name];
    parts.push(encoder.encode(name));
    parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return (await sha256(parts)).slice(0, 16);
}

/** Reads the text of a file; null if it does not exist. */
export type ReadText = (path: string) => Promise<string | null>;

/** The metrics of a run directory, one object per epoch; empty for a file, and if `read` is undefined. */
export async function recordedTraining(
  path: string,
  read: ReadText | undefined,
  note: OnNote,
): Promise<Settings["model"]["training"]> {
  const file = `${path}/metrics.jsonl`;
  try {
    const { rows } = readRowLines(file, (await read?.(file)) ?? "");
    return rows.map(({ value }) => value as Record<string, unknown>);
  } catch (error) {
    if (!(error instanceof DamagedLine || error instanceof UsageError)) throw error;
    const text = `${error.message}; the record of the training is left out of the settings`;
    note({ code: "no-training-record", text });
    return [];
  }
}
