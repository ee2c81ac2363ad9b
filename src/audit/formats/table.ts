// The table of formats. A format is one file and one row here.
import { z } from "zod";
import { Registry } from "../../math/registry.ts";
import { cyclonedx } from "./cyclonedx.ts";
import { junit } from "./junit.ts";
import { markdown } from "./markdown.ts";
import { modelIndex } from "./model-index.ts";
import type { ResultFormat } from "./result-format.ts";
import { sarif } from "./sarif.ts";

const rows = [junit, sarif, cyclonedx, modelIndex, markdown] as const;

/** The name of a format, such as `junit`. */
export type FormatName = (typeof rows)[number]["name"];

/** The formats by name. */
export const resultFormats = new Registry<ResultFormat>("format", rows);

/** The option of an audit that lists formats. */
export const FormatOption = z
  .array(z.enum(rows.map(({ name }) => name)))
  .default([])
  .describe("also write the result for other programs, to --out");
