// How a command reads a third-party file and its images, as `audit` does.
import { z } from "zod";
import type { AuditedFile } from "../../audit/audit-request.ts";
import { ImageOptions } from "../../data/image-options.ts";
import { ImageRules } from "../../data/image-rules.ts";
import { Classes, fileOptions, modelOptions } from "./options.ts";
import { namesOf, pick } from "./pick.ts";

/** The options. */
export const fileReading = {
  classes: Classes,
  preprocessing: z
    .string()
    .optional()
    .describe(
      "JSON file with the preprocessing (of rampart, Hugging Face, timm or torchvision); by default one beside the model, none to ignore it; flags override it",
    ),
  ...ImageOptions.shape,
  ...modelOptions,
};

const FileReading = z.object(fileReading);
/** The values of these flags. */
export type FileReadingFlags = z.output<typeof FileReading>;

/** The reading that the flags of a command state. */
export function readingIn(values: FileReadingFlags): AuditedFile {
  const { classes, preprocessing, resize, crop, interpolation } = values;
  const rules = pick(values, namesOf(ImageRules.shape));
  const sizing = { classes, preprocessing, resize, crop, interpolation, rules };
  return Object.assign({}, fileOptions(values), sizing);
}

/** The first flag about reading a file whose value is not the default; undefined if all have their defaults. */
export function statedReading(values: FileReadingFlags): string | undefined {
  const defaults: Readonly<Record<string, unknown>> = FileReading.parse({});
  return namesOf(fileReading).find(
    (name) => JSON.stringify(values[name]) !== JSON.stringify(defaults[name]),
  );
}
