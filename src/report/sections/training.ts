import { z } from "zod";
import { chartMarkup, legend, type Series } from "../chart.ts";
import type { Evaluation } from "../evaluation.ts";
import { html, type Markup } from "../html.ts";

/** The numbers of one epoch that a chart is drawn from. */
const Epoch = z.object({
  epoch: z.number(),
  loss: z.number(),
  trainAccuracy: z.number(),
  testAccuracy: z.number(),
});
type Epoch = z.output<typeof Epoch>;

const epochs = ({ settings }: Evaluation): Epoch[] =>
  (settings?.model.training ?? []).flatMap((line) => Epoch.safeParse(line).data ?? []);

/** Loss and accuracy per epoch of every model whose training is known; nothing if none is. */
export function trainingSection(
  evaluations: readonly Evaluation[],
  places: ReadonlyMap<string, number>,
): Markup | null {
  const known = evaluations
    .map((evaluation) => ({
      label: evaluation.label,
      place: places.get(evaluation.label) ?? 0,
      lines: epochs(evaluation),
    }))
    .filter(({ lines }) => lines.length > 0);
  if (known.length === 0) return null;
  const drawn = (value: keyof Epoch, dashed = false): Series[] =>
    known.map(({ label: name, place, lines }) => ({
      name,
      place,
      dashed,
      points: lines.map((line) => ({ x: line.epoch, y: line[value] })),
    }));
  const unknown = evaluations.length - known.length;
  return html`
<section aria-labelledby="training">
<h2 id="training">Training</h2>
<p>Per epoch. The loss and the dashed accuracy are those of the examples that were trained on, as the defence presents them: attacked, noisy, augmented, so models of different defences do not compare there. The solid accuracy is of clean test images, for watching; the table above is the measurement.${
    unknown > 0 ? ` Of ${unknown} of the models the training is not recorded.` : ""
  }</p>
${legend(
  known.map(({ label }) => label),
  known.map(({ place }) => place),
)}
<div class="charts">${[
    { title: "Loss while training", y: "cross-entropy", share: false, series: drawn("loss") },
    {
      title: "Accuracy while training: clean test images (solid), training examples (dashed)",
      y: "accuracy",
      share: true,
      series: [...drawn("trainAccuracy", true), ...drawn("testAccuracy")],
    },
  ].map((chart) => chartMarkup({ ...chart, x: "epoch" }))}</div>
</section>`;
}
