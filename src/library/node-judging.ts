// `evaluate`, `certify` and `predict` of `rampart/node`: models, images and results are files of this machine.
import type { CertificateRow } from "../certify/row.ts";
import { checkFit } from "../evaluate/fit.ts";
import { evaluateInNode, type NodeEvaluation } from "../evaluate/node.ts";
import type { Row } from "../evaluate/row.ts";
import { openTestImages } from "../evaluate/test-images/node.ts";
import { nodeHost } from "../files/host/node.ts";
import { nodeStorageOf } from "../files/storage/node.ts";
import { openModelInNode } from "../models/opening/node.ts";
import type { OpenModel } from "../models/opening/open-model.ts";
import { certifiedRows } from "./certify.ts";
import { certifyOptions } from "./certify-checks.ts";
import { evaluateOptions, pathOf } from "./checks.ts";
import { collectRows, noteTo } from "./events.ts";
import type { CertifyOptions, EvaluateOptions } from "./file-options.ts";
import { runtimeOn } from "./node-runtime.ts";

/** The model itself, or the one at a path. */
export const opened = (model: OpenModel | string): OpenModel | Promise<OpenModel> =>
  typeof model === "object" && model !== null ? model : openModelInNode(pathOf("the model", model));

/**
 * Attacks a model's test images and returns the rows; with `out` they are also written, one line each. Where `signal`
 * aborts, the promise is rejected with the signal's reason, and the rows so far are in `out`. Throws `UsageError`.
 *
 * @example
 * ```ts
 * import { evaluate, pgd } from "rampart/node";
 *
 * const attacks = ["fgsm-l2", pgd({ norm: "linf", epsilon: 0.03 })] as const;
 * const rows = await evaluate("runs/at", { attacks, examples: 8, out: "rows.jsonl" });
 * console.log(rows.filter(({ correct }) => correct === 1).length);
 * ```
 */
export async function evaluate(
  model: OpenModel | string,
  options: EvaluateOptions = {},
): Promise<Row[]> {
  const { settings, where, images, own } = evaluateOptions(options);
  const { signal } = options;
  const { device, threads, onEvent: _, ...others } = where;
  signal?.throwIfAborted();
  const evaluated = await opened(model);
  const runtime = await runtimeOn(device, threads);
  const tell = noteTo(options);
  const { dataDir } = options;
  const data = where.data as EvaluateOptions["data"];
  const classes = where.classes as EvaluateOptions["classes"];
  const tested = await openTestImages(evaluated, { data, dataDir, images, classes }, tell);
  checkFit(evaluated, tested.dataset);
  const isChecked = evaluated.architecture.foreign === true || typeof data === "object";
  const running = {
    runtime,
    model: evaluated,
    dataset: isChecked ? tested.dataset : undefined,
    batch: settings.batch,
  };
  return collectRows(running, options, (network) =>
    evaluateInNode(evaluated, settings, {
      ...(others as Omit<NodeEvaluation, "network" | "target">),
      network,
      target: { ...runtime.target },
      customAttacks: own,
      images,
      tested,
      note: tell,
    }),
  );
}

/**
 * Certifies a model's test images under noise and returns the rows, one per image; with `out` they are also written, one line
 * each. Radii are in pixels of [0, 1]. Where `signal` aborts, the promise is rejected with the signal's reason, and the rows so
 * far are in `out`. Throws `UsageError`.
 *
 * @example
 * ```ts
 * import { certifiedShares, certify } from "rampart/node";
 *
 * const options = { noise: "normal:0.25", examples: 4, n: 200, out: "cert.jsonl" } as const;
 * const rows = await certify("runs/at", options);
 * console.log(certifiedShares(rows, ["l2", "l1"], [0.1, 0.25]));
 * ```
 */
export async function certify(
  model: OpenModel | string,
  options: CertifyOptions = {},
): Promise<CertificateRow[]> {
  const { settings, where, images } = certifyOptions(options);
  const { signal, dataDir, out, resume, command } = options;
  const data = where.data as CertifyOptions["data"];
  signal?.throwIfAborted();
  const certified = await opened(model);
  const runtime = await runtimeOn(where.device, where.threads);
  const { dataset } = await openTestImages(certified, { data, dataDir, images }, noteTo(options));
  const running = {
    runtime,
    model: certified,
    dataset,
    host: nodeHost,
    out: out === undefined ? undefined : nodeStorageOf(out),
    resume,
    command,
  };
  return certifiedRows(running, settings, options);
}

/**
 * Predicts the classes of test images by the smoothed classifier, and abstains (null) where a two-sided test of `n` draws does
 * not separate the two most frequent classes at level `alpha`. Rows and options are those of `certify`. Throws `UsageError`.
 *
 * @example
 * ```ts
 * import { predict } from "rampart/node";
 *
 * const rows = await predict("runs/at", { noise: "normal:0.25", examples: 4, n: 200 });
 * console.log(rows.map(({ prediction }) => prediction)); // null where it abstains
 * ```
 */
export const predict = (
  model: OpenModel | string,
  options: CertifyOptions = {},
): Promise<CertificateRow[]> => certify(model, Object.assign({}, options, { predict: true }));
