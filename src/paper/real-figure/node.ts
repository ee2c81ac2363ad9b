// Figure 1 through a real test image near the boundaries, with the three trained classifiers of a reproduction.
import { keyOf, keysFor } from "../../math/random.ts";
import { UsageError } from "../../math/usage-error.ts";
import { type Classifier, classifier } from "../../models/classifier.ts";
import { defensesOf } from "../cells.ts";
import { figure1Real } from "../figure1-real.ts";
import { boundaryDistances, nearAllBoundaries } from "../near-boundary.ts";
import { runCells } from "../node.ts";
import { type ProductEvents, reported } from "../product.ts";
import { PAPER_RADII } from "../regions.ts";
import { datasetOf, type Reproduction, trainedModel } from "../stored/node.ts";

/** The maximum number of test images searched. */
const MAX_SEARCHED = 1000;
/** Images per batch of the search. */
const BATCH = 100;
/** An image nearer to a boundary than this would lie on it in the drawing; ℓ2, for pixels in [0, 1]. */
const LEAST_DISTANCE = 0.1;

/**
 * The planes of both attacks through a test image that is near a decision boundary of all three classifiers: of those that all
 * get right and that are at least 0.1 from each boundary, the one whose largest distance is the smallest.
 */
export async function* realFigure(reproduction: Reproduction): ProductEvents {
  if (!(yield* runCells("figure1", reproduction))) return null;
  const { out, runtime, seed, signal } = reproduction;
  const { test, classes } = await datasetOf(reproduction);
  const indices = Array.from({ length: Math.min(MAX_SEARCHED, test.size) }, (_, i) => i);
  const classifiers: { readonly name: string; readonly network: Classifier }[] = [];
  const distances: number[][] = [];
  try {
    for (const name of defensesOf("figure1")) {
      const model = await trainedModel(out, name);
      const network = classifier(runtime, model.architecture, model.parameters);
      classifiers.push({ name, network });
      const own: number[] = [];
      for (let from = 0; from < indices.length; from += BATCH) {
        const batch = indices.slice(from, from + BATCH);
        const labels = batch.map((index) => Number(test.labels[index]));
        const keys = keysFor(keyOf(0), batch);
        own.push(...(await boundaryDistances(network, test.images(batch), labels, keys)));
      }
      distances.push(own);
    }
    const chosen = nearAllBoundaries(distances, LEAST_DISTANCE) ?? nearAllBoundaries(distances, 0);
    if (chosen === null)
      throw new UsageError(
        `none of the first ${indices.length} test images is classified correctly by all three classifiers; train them at a larger --scale`,
        { code: "misfit" },
      );
    const { index } = chosen;
    const { svg, data } = yield* reported((report) =>
      figure1Real({
        classifiers,
        x: test.images([index]),
        label: Number(test.labels[index]),
        classNames: classes,
        epsilonLinf: PAPER_RADII.linf,
        epsilonL2: PAPER_RADII.l2,
        seed,
        signal,
        chosen: `Test image ${index}: of the first ${indices.length} that all classifiers get right, at least ${LEAST_DISTANCE} from each boundary, the one whose largest distance is smallest (${chosen.distances.map((one) => one.toFixed(2)).join(", ")}, to first order).`,
        onProgress: ({ stage, done, total }) =>
          report({ event: "progress", cell: stage, done, total }),
        // The image belongs to the data set and is not ours to publish.
        showImage: false,
      }),
    );
    const result = { index, distances: chosen.distances, ...data };
    return {
      name: "figure1-real",
      data: result,
      text: `Figure 1 through test image ${index} (${classes[data.label]}): ${data.panels.length} panels`,
      files: { "figure1-real.svg": svg, "figure1-real.json": `${JSON.stringify(result)}\n` },
    };
  } finally {
    await Promise.all(classifiers.map(({ network }) => network.release()));
  }
}
