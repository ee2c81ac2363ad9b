import type { NoteCode } from "../math/note.ts";
import type { Diagnostic, Facts } from "./diagnostics.ts";

/** Notes that say that a gradient is approximate. */
const APPROXIMATE: ReadonlySet<NoteCode> = new Set(["straight-through", "rounded-pixels"]);

/** A diagnostic with the model's notes on approximate gradients; null without such notes. */
export function straightThrough({ notes }: Pick<Facts, "notes">): Diagnostic | null {
  const texts = notes.filter(({ code }) => APPROXIMATE.has(code)).map(({ text }) => text);
  if (texts.length === 0) return null;
  return {
    code: "straight-through",
    severity: "note",
    text: texts.join("; "),
    advice:
      "attacks follow approximate gradients, so the accuracies are upper bounds more than usually; compare with Square",
  };
}
