// The noise of an audit's attacks. It is rounded to 8 bits if the certified classifier rounds.
import { roundedNoise } from "../certify/rounded-noise.ts";
import { storedSettings } from "../evaluate/settings.ts";
import { besideRows } from "../files/rows/rows-file.ts";
import { textIfThere } from "../files/storage/storage.ts";
import type { NoiseNamed } from "../noise/noise.ts";
import { noiseNamed as plainNoise } from "../noise/table.ts";
import type { AuditRequest } from "./audit-request.ts";
import type { LowerBounds } from "./prove/lower-bounds.ts";

/** Whether stored rows are about a classifier that rounds noisy images; null if there are no rows to continue. */
async function storedRounding({ out, resume = false }: AuditRequest, rows: string) {
  if (out === undefined || !resume || (await textIfThere(out, rows)) === null) return null;
  const file = besideRows(rows, "settings.json");
  const text = await textIfThere(out, file);
  return text === null ? null : storedSettings(file, text).options.noiseGrid !== undefined;
}

/**
 * Makes the noise of an audit's attacks. Sound sampling certifies f(round(x + η)), so attacks use that classifier too. If an
 * audit without certificates began the rows, attacks continue on f(x + η). Fresh draws of the certified classifier then judge
 * each image that those rows count as broken.
 */
export async function auditedNoise(
  audit: AuditRequest,
  rows: string,
  lower: LowerBounds | null,
): Promise<NoiseNamed> {
  const { noiseNamed = plainNoise, note = () => undefined } = audit;
  const isCertifiedRounded = lower?.roundsImages ?? false;
  const isRounded = (await storedRounding(audit, rows)) ?? isCertifiedRounded;
  if (isCertifiedRounded && !isRounded)
    note({
      code: "warning",
      text: "the stored rows come from attacks on a classifier that does not round noisy images to 8 bits, but certificates are about one that does. Every image that an attack counts as broken is judged by fresh draws of the rounding classifier; accuracies are those of the other one. To attack and certify the same classifier, choose a new --out",
    });
  return isRounded ? (text) => roundedNoise(noiseNamed(text)) : noiseNamed;
}
