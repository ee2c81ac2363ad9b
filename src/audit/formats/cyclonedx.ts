import type { Interval } from "../../math/statistics.ts";
import type { AuditResult } from "../result.ts";
import { ballText, unionText } from "../text.ts";
import { limitationsOf } from "./gate.ts";
import type { FormatContext, ResultFormat } from "./result-format.ts";

/** A performance metric of a model card, whose numbers are strings. */
const metric = (slice: string, { mean, low, high }: Interval) => ({
  type: "accuracy",
  value: String(mean),
  slice,
  confidenceInterval: { lowerBound: String(low), upperBound: String(high) },
});

/** Clean accuracy, and accuracy under attack in each ball and over all balls. */
const metricsOf = ({ clean, unions }: AuditResult) => [
  metric("clean images", clean),
  ...unions.map(({ balls, accuracy }) => metric(unionText(balls), accuracy)),
];

/** Proven shares; no interval, since they are counts of these images. */
const provenMetrics = ({ proofs }: AuditResult) =>
  proofs === null
    ? []
    : proofs.balls.map((ball) => ({
        type: proofs.kind === "proof" ? "proven accuracy" : "certified accuracy",
        value: String(ball.proven / ball.examples),
        slice: ballText(ball),
      }));

function componentOf(result: AuditResult): Record<string, unknown> {
  const { model, sha256, externalData, data, preprocessing, valid } = result;
  const component: Record<string, unknown> = {
    type: "machine-learning-model",
    "bom-ref": "model",
    name: model,
  };
  if (sha256 !== null) component.hashes = [{ alg: "SHA-256", content: sha256 }];
  if (externalData.length > 0)
    component.properties = externalData.map((value) => ({ name: "rampart:externalData", value }));
  component.modelCard = {
    modelParameters: {
      task: "image-classification",
      datasets: [{ type: "dataset", name: data, description: `test images; ${preprocessing}` }],
      inputs: [{ format: "image" }],
      outputs: [{ format: "class scores" }],
    },
    quantitativeAnalysis: {
      // Tools show metrics without the limitations, so an invalid audit has none.
      performanceMetrics: valid ? [...metricsOf(result), ...provenMetrics(result)] : [],
    },
    considerations: { technicalLimitations: limitationsOf(result) },
  };
  return component;
}

/**
 * CycloneDX 1.6: a bill of materials whose model card has the accuracies with their 95 % intervals; of an invalid audit the reasons
 * alone.
 */
export const cyclonedx = {
  name: "cyclonedx",
  file: "bom.cdx.json",
  summary: "CycloneDX 1.6 ML-BOM: a model card with accuracies and their intervals",
  render(result: AuditResult, { version, finished }: FormatContext): string {
    const bom = {
      $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
      bomFormat: "CycloneDX",
      specVersion: "1.6",
      version: 1,
      metadata: {
        timestamp: finished.toISOString(),
        tools: { components: [{ type: "application", name: "rampart", version }] },
      },
      components: [componentOf(result)],
    };
    return `${JSON.stringify(bom, null, 2)}\n`;
  },
} as const satisfies ResultFormat;
