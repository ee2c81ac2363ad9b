import type { Locate } from "./evaluated-model.ts";
import type { Row } from "./row.ts";
import type { Run } from "./runs.ts";
import type { NotFinite } from "./watched.ts";

/** Finds the node that produced each example's first non-finite answer; an answer at the clean image takes precedence. */
export class NonFiniteLocator {
  private readonly locate: Locate | undefined;
  private readonly atClean = new Map<number, Row["nonFinite"]>();

  constructor(locate: Locate | undefined) {
    this.locate = locate;
  }

  /** Records a non-finite answer at the clean image of an example, if there is any. */
  async addClean(index: number, notFinite: NotFinite | null): Promise<void> {
    if (notFinite !== null && !this.atClean.has(index))
      this.atClean.set(index, await this.find(notFinite));
  }

  /** The entry of the example's row; `notFinite` is the first non-finite answer of its attack or its scoring. */
  async of(index: number, notFinite: NotFinite | null): Promise<Row["nonFinite"]> {
    const found = this.atClean.get(index);
    if (found !== undefined) return found;
    return notFinite === null ? undefined : this.find(notFinite);
  }

  private async find(notFinite: NotFinite): Promise<Row["nonFinite"]> {
    const node = await this.locate?.(notFinite);
    return { value: notFinite.value, node: node ?? null };
  }
}

/**
 * The loss whose gradient is queried at each clean image once; null if no attack uses gradients. An attack may start at
 * another point and never query the clean image. The reported images must not depend on that.
 */
export function gradientLossOf(runs: readonly Run[]): "ce" | "margin" | null {
  const attacks = runs.flatMap(({ attack }) => attack ?? []);
  const first = attacks.find((attack) => attack.epsilon === null || attack.asks !== "logits");
  if (first === undefined) return null;
  return first.epsilon !== null && first.asks === "cross-entropy" ? "ce" : "margin";
}
