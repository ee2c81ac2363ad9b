import type { Row } from "../evaluate/row.ts";
import { grouped } from "../evaluate/shares.ts";
import type { ImageSet } from "../report/evaluation.ts";
import { pngBytes } from "../report/png.ts";

/** Adversarial images of each norm that an audit leaves as files. */
const EXAMPLES_PER_NORM = 4;

/** `apgd-ce-linf@0.03137254901960784` → `apgd-ce-linf-0.03137`. */
function fileName(set: string): string {
  const [attack, epsilon] = set.split("@");
  return `${attack}-${Number(Number(epsilon).toPrecision(4))}`;
}

/** Letters of a file's name that are kept, from its end: four bytes each leave room for the attack's name. */
const MAX_STEM = 40;

/** `12-cat-0017` of an example whose image is the file `cat/0017.png`, else `12`. */
export function exampleName(index: number, file: string | undefined): string {
  if (file === undefined) return String(index);
  const stem = file.replace(/\.[^./]*$/, "").replace(/[^\p{L}\p{M}\p{N}]+/gu, "-");
  return `${index}-${Array.from(stem).slice(-MAX_STEM).join("")}`;
}

/** The first adversarial examples of each norm that were found, as PNG files by name, and the clean images beside them. */
export function imageFiles(
  sets: readonly ImageSet[],
  rows: readonly Row[],
): Map<string, Uint8Array> {
  const broken = new Set(
    rows
      .filter(({ clean, majority }) => clean >= 0.5 && majority === 0)
      .map(({ index, attack, epsilon }) => `${index} ${attack}@${epsilon}`),
  );
  const found = sets.flatMap((set) =>
    set.indices.flatMap((index, i) =>
      broken.has(`${index} ${set.name}`) ? [{ set, index, i }] : [],
    ),
  );
  const files = new Map(rows.map(({ index, file }) => [index, file]));
  const norms = new Map(rows.map(({ attack, norm }) => [attack, norm]));
  const shown = [...grouped(found, ({ set }) => norms.get(set.name.split("@")[0])).values()];
  return new Map(
    shown
      .flatMap((own) => own.slice(0, EXAMPLES_PER_NORM))
      .flatMap(({ set, index, i }) => [
        [`${exampleName(index, files.get(index))}-clean.png`, pngBytes(set.originals, i)],
        [
          `${exampleName(index, files.get(index))}-${fileName(set.name)}.png`,
          pngBytes(set.adversarials, i),
        ],
      ]),
  );
}
