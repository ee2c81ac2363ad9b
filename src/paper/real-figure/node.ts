// Figure 1 through a real test image, with the three trained classifiers of a reproduction.
import { keyOf, keysFor } from "../../math/random.ts";
import { argmaxRows } from "../../math/tensor.ts";
import { UsageError } from "../../math/usage-error.ts";
import { type Classifier, classifier } from "../../models/classifier.ts";
import { defensesOf } from "../cells.ts";
import { figure1Real } from "../figure1-real.ts";
import { runCells } from "../node.ts";
import { type ProductEvents, reported } from "../product.ts";
import { PAPER_RADII } from "../regions.ts";
import { datasetOf, type Reproduction, trainedModel } from "../stored/node.ts";

/** The maximum number of test images searched for one that all classifiers get right. */
const MAX_SEARCHED = 200;

/** The planes of both attacks through the first test image that all three classifiers get right. */
export async function* realFigure(reproduction: Reproduction): ProductEvents {
  if (!(yield* runCells("figure1", reproduction))) return null;
  const { out, runtime, seed, signal } = reproduction;
  const { test, classes } = await datasetOf(reproduction);
  const indices = Array.from({ length: Math.min(MAX_SEARCHED, test.size) }, (_, i) => i);
  const classifiers: { readonly name: string; readonly network: Classifier }[] = [];
  const right = new Set(indices);
  try {
    for (const name of defensesOf("figure1")) {
      const model = await trainedModel(out, name);
      const network = classifier(runtime, model.architecture, model.parameters);
      classifiers.push({ name, network });
      const logits = await network.logits(test.images(indices), keysFor(keyOf(0), indices));
      for (const [i, prediction] of argmaxRows(logits).entries())
        if (prediction !== Number(test.labels[i])) right.delete(i);
    }
    const [index] = right;
    if (index === undefined)
      throw new UsageError(
        `none of the first ${indices.length} test images is classified correctly by all three classifiers; train them at a larger --scale`,
        { code: "misfit" },
      );
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
        onProgress: ({ stage, done, total }) =>
          report({ event: "progress", cell: stage, done, total }),
        // The image belongs to the data set and is not ours to publish.
        showImage: false,
      }),
    );
    const result = { index, ...data };
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
