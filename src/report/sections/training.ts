import { z } from "zod";
import { chartMarkup, legend, type Series } from "../chart.ts";
import type { Evaluation } from "../evaluation.ts";
import { counted } from "../format.ts";
import { html, type Markup } from "../html.ts";

/** The numbers of one epoch that charts show. */
const Epoch = z.object({
  epoch: z.number(),
  loss: z.number(),
  trainAccuracy: z.number(),
  testAccuracy: z.number(),
});
type Epoch = z.output<typeof Epoch>;

const epochs = ({ settings }: Evaluation): Epoch[] =>
  (settings?.model.training ?? []).flatMap((line) => Epoch.safeParse(line).data ?? []);

/** Loss and accuracy per epoch of every model with a recorded training; null if there is none. */
export function trainingSection(
  evaluations: readonly Evaluation[],
  places: ReadonlyMap<string, number>,
): Markup | null {
  const recorded = evaluations
    .map((evaluation) => ({
      label: evaluation.label,
      place: places.get(evaluation.label) ?? 0,
      lines: epochs(evaluation),
    }))
    .filter(({ lines }) => lines.length > 0);
  if (recorded.length === 0) return null;
  const drawn = (value: keyof Epoch, dashed = false): Series[] =>
    recorded.map(({ label: name, place, lines }) => ({
      name,
      place,
      dashed,
      points: lines.map((line) => ({ x: line.epoch, y: line[value] })),
    }));
  const missing = evaluations.length - recorded.length;
  const remark =
    missing > 0 ? ` The training of ${counted(missing, "model")} is not recorded.` : "";
  return html`
<section aria-labelledby="training">
<h2 id="training">Training</h2>
<p>Per epoch. The loss and the dashed accuracy are measured on training examples as the defence presents them (attacked, noisy, augmented), so they do not compare across defences. The solid accuracy is measured on clean test images during training; the table above is the final measurement.${remark}</p>
${legend(
  recorded.map(({ label }) => label),
  recorded.map(({ place }) => place),
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
