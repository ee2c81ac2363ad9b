// The first screen of docs/paper.md: questions, and what the claims answer.

import { parameterCount } from "../src/models/architecture.ts";
import { architecture } from "../src/models/architectures.ts";
import { intervalText, type JudgedClaim, measureText, title } from "../src/paper/claims/claim.ts";
import { powerOfTen, ratioOfVolumes } from "../src/paper/claims/geometry.ts";
import { verdicts } from "../src/paper/claims/verdict.ts";
import { CIFAR10_INPUT } from "../src/paper/evidence/node.ts";
import { type Scale, scales } from "../src/paper/scales.ts";

/** A row of a table in Markdown. */
export const line = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The differences of a claim by what they are about: `Union of PGD, n 250, small: RAT ℓ∞ U − MAT Max = −0.02 [−0.05, 0.00].` */
function differencesOf({ found }: JudgedClaim): string {
  const parts = found.map((one) => ({
    about: `${measureText(one)}, n ${one.examples}, ${one.scale}`,
    text: `${title(one.a)} − ${title(one.b)} = ${intervalText(one.difference)}`,
  }));
  return [...new Set(parts.map(({ about }) => about))]
    .map((about) => {
      const own = parts.filter((one) => one.about === about).map(({ text }) => text);
      return `${capitalized(about)}: ${own.join("; ")}.`;
    })
    .join(" ");
}

const networkOf = ({ training: { model = "" } }: Scale): string => model.toUpperCase();

const weightsOf = ({ training: { model = "" } }: Scale): number =>
  parameterCount(architecture(model, CIFAR10_INPUT));

/** The networks that were measured beside the paper's: `WRN-10-1 with 1/470 of the weights, 3 epochs (small)`. */
function beside(measured: readonly Scale[]): string {
  const { paper } = scales;
  const texts = measured.map((scale) => {
    const factor = Number((weightsOf(paper) / weightsOf(scale)).toPrecision(2));
    return `${networkOf(scale)} with 1/${factor} of the weights and ${scale.training.epochs} epochs (\`${scale.name}\`)`;
  });
  return `${texts.join(" and ")}, instead of ${networkOf(paper)} and ${paper.training.epochs} epochs`;
}

/** The questions of a reader of the paper with the answers. `measured` are the scales with results. */
export function findings(all: readonly JudgedClaim[], measured: readonly Scale[]): string {
  const row = (question: string, id: string): string => {
    const claim = all.find((one) => one.id === id);
    if (claim === undefined) throw new Error(`no claim ${id}`);
    const { verdict, why } = claim;
    return line([question, `**${capitalized(verdict)}.** ${why} ${differencesOf(claim)}`]);
  };
  const { ratio, printed } = ratioOfVolumes();
  const counts = verdicts.map(
    (verdict) => `${all.filter((one) => one.verdict === verdict).length} “${verdict}”`,
  );
  return [
    line(["question", "answer"]),
    line(["---", "---"]),
    row("Does RAT beat MAT?", "rat-mat"),
    row("Does noise defend against C&W better than adversarial training?", "noise-cw"),
    row("Does MAT beat AT in both norms?", "mat"),
    line([
      "How small is the intersection of the two balls for d = 3072?",
      `**${powerOfTen(ratio, 1)}** of the volume of either ball, exactly; both have the same volume. The paper prints ${powerOfTen(printed, 0)}, which does not follow from its theorem ([theory](theory.md)).`,
    ]),
    line([
      "What can this scale not show?",
      `**The paper's accuracies**, and whether differences of a few points between defences remain at its scale: ${beside(measured)}. Each defence was trained once, so the intervals cover the choice of test images, and not the seed of the training.`,
    ]),
    "",
    `Verdicts of the ${all.length} claims below: ${counts.join(", ")}.`,
  ].join("\n");
}
