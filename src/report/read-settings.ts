import { z } from "zod";
import type { Settings } from "../evaluate/settings.ts";
import { openedJson } from "../files/sealed.ts";

const record = z.record(z.string(), z.unknown());
const text = z.string().nullable();

const SettingsFile: z.ZodType<Settings> = z.object({
  model: z.object({
    name: z.string(),
    path: z.string(),
    defense: z.string(),
    data: z.string(),
    architecture: z.string(),
    weights: z.string(),
    parameters: z.number(),
    macs: z.number().optional(),
    noise: text,
    noiseText: text,
    classNames: z.array(z.string()),
    training: z.array(record),
    config: record,
    reading: record.optional(),
  }),
  data: z.string(),
  images: z.number().optional(),
  kind: z.literal("audit").optional().catch(undefined),
  options: record,
  machine: record,
  target: record,
  warnings: z.array(z.string()).optional(),
  unused: z.array(z.string()).optional(),
  versions: z.object({ rampart: z.string(), engine: z.string() }),
  command: text,
  started: z.string(),
});

/** The settings in a ROWS.settings.json; null if the text is damaged or holds something else. */
export function readSettings(contents: string): Settings | null {
  try {
    return SettingsFile.safeParse(openedJson("the settings", contents, "")).data ?? null;
  } catch {
    return null;
  }
}
