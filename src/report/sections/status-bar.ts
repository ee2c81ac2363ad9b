import { html, type Markup } from "../html.ts";
import { type ProvenBall, provenSentence } from "../proven-balls.ts";

/** The parts of a bar, in order. */
export const PARTS = ["proven", "broken", "undecided"] as const;

/** A bar of proven, broken and undecided images with its sentence. */
export interface StatusBar {
  /** The ball, or the balls. */
  readonly name: string;
  readonly ball: Pick<ProvenBall, "examples" | "proven" | "broken" | "undecided">;
  readonly kind: "proof" | "certificate";
  /** Further sentences, with a leading space. */
  readonly remark?: string;
}

/** The bar as markup. Its sentence is the text alternative. */
export function statusBar({ name, ball, kind, remark = "" }: StatusBar): Markup {
  const sentence = provenSentence(ball, kind);
  const parts = PARTS.filter((part) => ball[part] > 0);
  return html`
<div class="between"><p><b>${name}</b> ${sentence}${remark}</p>
<div class="bar" role="img" aria-label="${sentence}">${parts.map((part) => html`<span class="${part}" style="flex-grow:${ball[part]}">${ball[part]}</span>`)}</div></div>`;
}
