import { createHash } from "node:crypto";
import { readTextIfThere } from "../../files/read/node.ts";
import { DamagedLine, readRowLines } from "../../files/row-lines.ts";
import type { OnNote } from "../../math/note.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { Parameters } from "../../models/architecture.ts";
import type { Settings } from "../settings.ts";

/** SHA-256 over names and values, in the order of names; the first 16 digits tell any two networks apart. */
export function weightsHash(parameters: Parameters): string {
  const hash = createHash("sha256");
  for (const name of Object.keys(parameters).sort()) {
    const { data } = parameters[name];
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex").slice(0, 16);
}

/** What a run directory recorded of its training, one object per epoch; nothing for a file. */
export async function recordedTraining(
  path: string,
  note: OnNote,
): Promise<Settings["model"]["training"]> {
  const file = `${path}/metrics.jsonl`;
  try {
    const { rows } = readRowLines(file, (await readTextIfThere(file)) ?? "");
    return rows.map(({ value }) => value as Record<string, unknown>);
  } catch (error) {
    if (!(error instanceof DamagedLine || error instanceof UsageError)) throw error;
    const text = `${error.message}; the record of the training is left out of the settings`;
    note({ code: "no-training-record", text });
    return [];
  }
}
