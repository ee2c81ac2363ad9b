// The rows of a defence by protocol and attack, whichever kinds of evaluation they come from.
import type { Row } from "../evaluate/row.ts";
import type { DefenseResult } from "./defense-result.ts";
import { atRadius } from "./regions.ts";

/** The rows of one protocol. Natural accuracy is read from `natural`, whose rows may be those of attacks. */
export interface Section {
  readonly natural: readonly Row[];
  readonly pgd: readonly Row[];
  readonly cw: readonly Row[];
  readonly autoattack: readonly Row[];
}

/** The rows of both protocols. */
export interface Sections {
  readonly sound: Section;
  readonly published: Section;
}

const isClean = ({ attack }: Row): boolean => attack === "none";
const isPgd = ({ attack }: Row): boolean => attack.startsWith("pgd-");
const isCw = ({ attack }: Row): boolean => attack.startsWith("cw-");

/**
 * The rows of a defence. Where a deterministic model was evaluated under the published protocol only, its PGD rows are those
 * of both protocols, and its unbounded C&W counts under `sound` within `radiusL2`, for pixels in [0, 1].
 */
export function sectionsOf(
  { noise, rows }: Pick<DefenseResult, "noise" | "rows">,
  radiusL2: number,
): Sections {
  const { natural, published = [], sound, cw, autoattack = [] } = rows;
  const shared = noise === null ? published : [];
  return {
    sound: {
      natural: sound ?? shared.filter(isClean),
      pgd: (sound ?? shared).filter(isPgd),
      cw: cw ?? atRadius(shared, radiusL2),
      autoattack,
    },
    published: {
      natural: natural ?? published.filter(isClean),
      pgd: published.filter(isPgd),
      cw: published.filter(isCw),
      autoattack: [],
    },
  };
}

/** The number of images of some rows, from the first one up to the first one that an attack has not tried. */
export function leadingImages(rows: readonly Row[]): number {
  const attacks = new Set(rows.map(({ attack }) => attack)).size;
  const tried = new Map<number, number>();
  for (const { index } of rows) tried.set(index, (tried.get(index) ?? 0) + 1);
  let count = 0;
  while (tried.get(count) === attacks) count++;
  return count;
}

const parts = ["natural", "pgd", "cw", "autoattack"] as const;

/** The rows of the images that all defences have, part by part; a defence without rows of a part does not count there. */
export function equalSections(all: ReadonlyMap<string, Sections>): Map<string, Sections> {
  const fewest = (protocol: keyof Sections, part: keyof Section): number =>
    Math.min(
      ...[...all.values()].flatMap((one) => {
        const rows = one[protocol][part];
        return rows.length === 0 ? [] : [leadingImages(rows)];
      }),
    );
  const cut = (protocol: keyof Sections) => {
    const limits = parts.map((part) => [part, fewest(protocol, part)] as const);
    return (section: Section) =>
      Object.fromEntries(
        limits.map(([part, limit]) => [part, section[part].filter(({ index }) => index < limit)]),
      ) as unknown as Section;
  };
  const [sound, published] = [cut("sound"), cut("published")];
  return new Map(
    [...all].map(([defense, one]) => [
      defense,
      { sound: sound(one.sound), published: published(one.published) },
    ]),
  );
}
