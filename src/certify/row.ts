import { z } from "zod";
import { DamagedLine, readRowLines } from "../files/row-lines.ts";
import { fieldProblem } from "../files/row-schema.ts";
import type { StoredRows } from "../files/rows/rows-file.ts";
import { UsageError } from "../math/usage-error.ts";
import { samplings } from "./noisy-images.ts";

const probability = z.number().min(0).max(1);
const radius = z.number().nonnegative();

/** One certified image. `docs/certifying.md` explains each field. */
export const CertificateRow = z.looseObject({
  /** Index in the test split. */
  index: z.int().nonnegative(),
  label: z.int(),
  /** CRC-32 of the image's pixels as float32, eight hexadecimal digits; absent in rows of earlier versions. */
  image: z.string().optional(),
  /** The smoothed classifier's class; null if the certifier abstained. */
  prediction: z.int().nullable(),
  /** `normal:0.25`, for pixels in [0, 1]. */
  noise: z.string(),
  /** Upper bound of the probability that the radii are wrong; 0 if draws are enumerated. */
  alpha: probability,
  /** Number of draws that chose the class; 0 if draws are enumerated, or if a test of n draws predicted the class. */
  n0: z.int().nonnegative(),
  /** The draws that bound the probability of the class, for each sampled noise; `counts` [classes]. */
  components: z.array(
    z.object({
      noise: z.string(),
      n: z.int().positive(),
      counts: z.array(z.int().nonnegative()),
      pLower: probability,
    }),
  ),
  /** Radii in pixels of [0, 1]; 0 if the certifier abstained. */
  radius: z.object({ l2: radius, l1: radius, linf: radius }),
  sampling: z.enum(samplings),
  /** The target of the runtime and the batch size. Certificates hold only for these. */
  runtime: z.record(z.string(), z.unknown()),
  seconds: z.number().nonnegative(),
});
export type CertificateRow = z.output<typeof CertificateRow>;

const next = "delete that line and continue with --resume, or choose another --out";

/** The rows in a text. Throws `UsageError` for a damaged line, another kind of row, or an image with two rows. */
export function parseCertificates(file: string, contents: string): StoredRows<CertificateRow> {
  const refuse = (why: string) => new UsageError(why, { code: "bad-file", next });
  const seen = new Set<number>();
  try {
    const { rows, whole } = readRowLines(file, contents);
    const parsed = rows.map(({ line, value }) => {
      const result = CertificateRow.safeParse(value);
      if (!result.success)
        throw refuse(
          `${file}:${line} is not a row of rampart certify: ${fieldProblem(result.error.issues[0])}`,
        );
      const { data } = result;
      if (seen.has(data.index))
        throw refuse(
          `${file}:${line} is a second row of image ${data.index}, but each image has one`,
        );
      seen.add(data.index);
      return data;
    });
    return { rows: parsed, whole };
  } catch (error) {
    if (error instanceof DamagedLine) throw refuse(error.message);
    throw error;
  }
}
