// Checks of the options of reports and comparisons.
import { z } from "zod";
import { checkedOptions } from "../math/option-problems.ts";
import { formats } from "../report/report-format.ts";

const ReportSchema = z.strictObject({
  out: z.string().describe("file to write"),
  format: z.enum(formats).default("html").describe("format of the report"),
});

/** What `report` is given. */
export const reportOptions = (options: object) => checkedOptions(ReportSchema, options);

const CompareSchema = z.strictObject({
  seed: z.int().nonnegative().optional(),
  maxDrop: z.number().min(0).max(1).optional(),
});

/** What `compare` is given. */
export const compareOptions = (options: object) => checkedOptions(CompareSchema, options);
