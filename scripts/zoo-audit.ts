// What scripts/zoo.ts stores of the audit of a public classifier.
import { z } from "zod";

/** A file of a public repository, and how its images are prepared. */
export const ZooModel = z.strictObject({
  /** owner/name on GitHub. */
  repository: z.string(),
  commit: z.string(),
  path: z.string(),
  sha256: z.string(),
  /** Producer and version, as the file states them; empty if it states none. */
  exporter: z.string(),
  data: z.enum(["mnist", "fashion-mnist", "cifar10"]),
  /** Flags of `rampart audit` that state the preprocessing, without dashes. */
  options: z.record(z.string(), z.string()),
  /** Seconds that proofs may take for each image, where they are not those of the others. */
  proveSeconds: z.number().optional(),
});
export type ZooModel = z.output<typeof ZooModel>;
export const ZooModels = z.array(ZooModel);

const Facts = z.strictObject({
  examples: z.number(),
  clean: z.number(),
  valid: z.boolean(),
  /** Accuracy under the strongest attack, by ball. */
  robust: z.array(z.strictObject({ norm: z.string(), epsilon: z.number(), accuracy: z.number() })),
  /** The smallest radius at the median, by norm; null if half of the images did not break. */
  smallest: z.array(z.strictObject({ norm: z.string(), median: z.number().nullable() })),
  /** The share that is proven, by ball; null without proofs. */
  proven: z
    .array(z.strictObject({ norm: z.string(), epsilon: z.number(), share: z.number() }))
    .nullable(),
  /** Multiply-accumulate operations of one prediction. */
  macs: z.number(),
  head: z.array(z.string()),
  diagnostics: z.array(z.strictObject({ code: z.string(), severity: z.string() })),
});
export type ZooFacts = z.output<typeof Facts>;

/** The audit of one file: its facts, or the message with which it was refused. */
export const ZooAudit = z.strictObject({
  id: z.string(),
  sha256: z.string(),
  /** Version of Rampart. */
  rampart: z.string(),
  /** Seconds that proofs might take for each image; 0 for an audit without proofs. */
  proveSeconds: z.number().default(0),
  facts: Facts.nullable(),
  refused: z.string().nullable(),
  /** Why nothing can be proven; null where proofs were tried, or nothing was audited. */
  unproven: z.string().nullable().default(null),
});
export type ZooAudit = z.output<typeof ZooAudit>;
export const ZooAudits = z.array(ZooAudit);

export const idOf = ({ repository, path }: ZooModel): string => `${repository}/${path}`;

/** Radii in ℓ∞ by data set: 8/255 breaks most images of CIFAR-10, and 2/255 hardly any of MNIST. */
const radii = { mnist: "8/255", "fashion-mnist": "8/255", cifar10: "2/255" } as const;

/** Seconds that proofs may take for each image of most models. */
export const PROVE_SECONDS = 1;

export const proveSecondsOf = ({ proveSeconds }: ZooModel): number => proveSeconds ?? PROVE_SECONDS;

/** The flags of `rampart audit` for a model: the setting that all share, then its preprocessing, then proofs if it has bounds. */
export function flagsOf(model: ZooModel, isProven: boolean): string[] {
  const { data, options } = model;
  const own = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const proofs = isProven ? ["--prove", "--prove-seconds", String(proveSecondsOf(model))] : [];
  const shared = ["--budget", "quick", "--examples", "100", "--threads", "1"];
  const ball = ["--norms", "linf", "--epsilon-linf", radii[data]];
  return ["--data", data, ...ball, ...shared, ...own, ...proofs];
}

const share = z.object({ mean: z.number() });

/** The parts of an audit's summary.json that are kept. */
const Summary = z.object({
  examples: z.number(),
  clean: share,
  valid: z.boolean(),
  head: z.array(z.string()),
  norms: z.array(z.object({ norm: z.string(), epsilon: z.number(), accuracy: share })),
  smallest: z.array(z.object({ norm: z.string(), median: z.number().nullable() })).nullable(),
  proofs: z
    .object({
      balls: z.array(
        z.object({
          norm: z.string(),
          epsilon: z.number(),
          proven: z.number(),
          examples: z.number(),
        }),
      ),
    })
    .nullable(),
  diagnostics: z.array(z.object({ code: z.string(), severity: z.string() })),
});
const Settings = z.object({ model: z.object({ macs: z.number() }) });

/** The facts in an audit's summary.json and in the settings beside its rows. */
export function factsOf(summary: string, settings: string): ZooFacts {
  const found = Summary.parse(JSON.parse(summary));
  const { model } = Settings.parse(JSON.parse(settings));
  return {
    examples: found.examples,
    clean: found.clean.mean,
    valid: found.valid,
    robust: found.norms.map(({ norm, epsilon, accuracy }) => ({
      norm,
      epsilon,
      accuracy: accuracy.mean,
    })),
    smallest: (found.smallest ?? []).map(({ norm, median }) => ({ norm, median })),
    proven:
      found.proofs?.balls.map(({ norm, epsilon, proven, examples }) => ({
        norm,
        epsilon,
        share: proven / examples,
      })) ?? null,
    macs: model.macs,
    head: found.head,
    diagnostics: found.diagnostics.map(({ code, severity }) => ({ code, severity })),
  };
}
