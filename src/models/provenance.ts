// What the training of a third-party file leaves in its `metadata_props`: one entry.
import { z } from "zod";

/** The key of the entry. */
export const PROVENANCE = "rampart.hardened";

const Stored = z.looseObject({
  defense: z.string(),
  data: z.string(),
  noise: z.string().nullable(),
  heldOut: z
    .object({ examples: z.int().nonnegative(), of: z.int().nonnegative() })
    .optional()
    .catch(undefined),
});

/** How a file was trained: the defence, its data, and the noise that the defence adds to every image, if any. */
export type Provenance = z.output<typeof Stored>;

/** The provenance in a file's metadata; undefined if there is none, or none that can be read. */
export function provenanceIn(metadata: Readonly<Record<string, string>>): Provenance | undefined {
  const text = metadata[PROVENANCE];
  if (text === undefined) return undefined;
  try {
    return Stored.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Whether a file records that its training held out a part of data without a test split, after an export or as a third-party file. */
export const recordsHeldOut = (metadata: Readonly<Record<string, string>>): boolean =>
  (metadata["rampart.held_out"] ?? provenanceIn(metadata)?.heldOut) !== undefined;
