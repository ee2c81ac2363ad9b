// Diagnostics of the gradients that attacks follow.
import type { Note, NoteCode } from "../math/note.ts";
import type { Diagnostic, Facts } from "./diagnostic.ts";
import type { SaturationComparison } from "./preprocessings.ts";

/** Share of the probed images above which zero gradients count as masking. */
const MIN_MASKED = 0.05;
/** Share of the probed images above which saturation gives a note. */
const MIN_SATURATED = 0.2;

/** Fires if the gradient of the margin is zero: attacks that follow it do not move. */
export function zeroGradients({ probe }: Pick<Facts, "probe">): Diagnostic | null {
  const { zeroGradients: zero, examples } = probe;
  if (zero < MIN_MASKED * examples || zero === 0) return null;
  return {
    code: "zero-gradients",
    severity: "warning",
    text: `the gradient is zero in every pixel for ${zero} of ${examples} images, so white-box attacks cannot move there`,
    advice:
      "if the file rounds or quantises try --straight-through, and trust Square more than the others",
  };
}

/** Fires if logits are so far apart on nearly all images that the declared preprocessing is probably wrong. */
export function farApart(found: SaturationComparison): Diagnostic {
  const { examples, saturated, medianMargin, calmer, correctAsDeclared } = found;
  const others =
    calmer === null
      ? ""
      : `; with ${calmer.name} ${calmer.correct} images are correct instead of ${correctAsDeclared}, and ${calmer.saturated} are saturated`;
  return {
    code: "saturated-softmax",
    severity: "warning",
    text: `the highest logit is far above the others for ${saturated} of ${examples} images (median distance ${medianMargin.toPrecision(3)}), where cross-entropy in float32 has no gradient${others}`,
    advice:
      calmer === null
        ? "trained networks are rarely that sure, so check --scale, --mean and --std: pixels in [0, 255] for a network that takes [0, 1], or a std that is applied twice, multiply the logits; accuracies under attack are probably too high"
        : `look up how the network was trained; if it was ${calmer.name}, declare that preprocessing: accuracies under attack are probably too high`,
  };
}

/** Fires if cross-entropy is exactly 0, where its gradient is 0 too. */
export function saturatedSoftmax({
  probe,
  saturation = null,
}: Pick<Facts, "probe" | "saturation">): Diagnostic | null {
  if (saturation !== null) return farApart(saturation);
  const { saturated, examples } = probe;
  if (saturated < MIN_SATURATED * examples || saturated === 0) return null;
  return {
    code: "saturated-softmax",
    severity: "note",
    text: `cross-entropy is exactly 0 in float32 for ${saturated} of ${examples} images, since one logit is far above the others`,
    advice:
      "attacks that climb cross-entropy (fgsm, pgd, apgd-ce) are weak here: rely on apgd-t, apgd-dlr and fab-t (--budget standard); a wrong preprocessing, such as pixels in [0, 255] for a network that takes [0, 1], can cause this",
  };
}

/** The importer's notes about approximate gradients. */
const APPROXIMATE: ReadonlySet<NoteCode> = new Set(["straight-through", "rounded-pixels"]);

/** Fires if the importer noted that gradients are approximate; repeats its notes. */
export function straightThrough({ notes }: { readonly notes: readonly Note[] }): Diagnostic | null {
  const approximate = notes.filter(({ code }) => APPROXIMATE.has(code));
  if (approximate.length === 0) return null;
  return {
    code: "straight-through",
    severity: "note",
    text: approximate.map(({ text }) => text).join("; "),
    advice:
      "attacks follow approximate gradients and may miss adversarial examples, so take the accuracies as upper bounds; compare with Square",
  };
}
