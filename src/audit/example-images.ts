import type { Row } from "../evaluate/row.ts";
import { groupBy } from "../evaluate/row-statistics.ts";
import type { ImageSet } from "../report/evaluation.ts";
import { pngBytes } from "../report/png.ts";

/** Adversarial images of each norm that an audit writes as files. */
const EXAMPLES_PER_NORM = 4;

/** `apgd-ce-linf@0.03137254901960784` → `apgd-ce-linf-0.03137`. */
function fileName(set: string): string {
  const [attack, epsilon] = set.split("@");
  return `${attack}-${Number(Number(epsilon).toPrecision(4))}`;
}

/**
 * Characters kept of an image file's name, from its end. Each takes up to four bytes, and the attack's name needs room
 * too.
 */
const MAX_STEM = 40;

/** `12-cat-0017` for an example whose image is the file `cat/0017.png`; `12` if examples are not files. */
export function exampleName(index: number, file: string | undefined): string {
  if (file === undefined) return String(index);
  const stem = file.replace(/\.[^./]*$/, "").replace(/[^\p{L}\p{M}\p{N}]+/gu, "-");
  return `${index}-${Array.from(stem).slice(-MAX_STEM).join("")}`;
}

/** PNG files by name: the first adversarial examples of each norm, and the clean images they come from. */
export function imageFiles(
  sets: readonly ImageSet[],
  rows: readonly Row[],
): Map<string, Uint8Array> {
  const broken = new Set(
    rows
      .filter(({ prediction, label, majority }) => prediction === label && majority === 0)
      .map(({ index, attack, epsilon }) => `${index} ${attack}@${epsilon}`),
  );
  const found = sets.flatMap((set) =>
    set.indices
      .map((index, place) => ({ set, index, place }))
      .filter(({ index }) => broken.has(`${index} ${set.name}`)),
  );
  const fileOf = new Map(rows.map(({ index, file }) => [index, file]));
  const normOf = new Map(rows.map(({ attack, norm }) => [attack, norm]));
  const byNorm = groupBy(found, ({ set }) => normOf.get(set.name.split("@")[0]));
  const files = new Map<string, Uint8Array>();
  for (const ofNorm of byNorm.values())
    for (const { set, index, place } of ofNorm.slice(0, EXAMPLES_PER_NORM)) {
      const name = exampleName(index, fileOf.get(index));
      files.set(`${name}-clean.png`, pngBytes(set.originals, place));
      files.set(`${name}-${fileName(set.name)}.png`, pngBytes(set.adversarials, place));
    }
  return files;
}
