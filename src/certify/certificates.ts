// The table of certificates: the noises that have radii, and the radii as functions of probabilities.
import { UsageError } from "../math/usage-error.ts";
import type { ParameterValues } from "../noise/define-noise.ts";
import { fullName } from "../noise/define-noise.ts";
import { shiftsOf } from "../noise/splits.ts";
import { parseNoise } from "../noise/table.ts";
import { mixImageRadius, mixRadius } from "./mixture-radii.ts";
import {
  expLinf,
  inAllNorms,
  laplaceL1,
  noRadii,
  normalL2,
  type Radii,
  uniformL1,
  uniformL2,
  uniformLinf,
} from "./radii.ts";

/** The certificate of one kind of noise. */
interface CertificateDefinition {
  /** The noises that are sampled separately, by name; each gets an equal part of α. By default the noise itself. */
  components?(parameters: ParameterValues): readonly string[];
  /** The radii of this noise; `p` has a lower bound of the top class's probability under each component. */
  own(p: readonly number[], parameters: ParameterValues, dimensions: number): Partial<Radii>;
  /**
   * The number of draws on an 8-bit image, for a noise whose draws are enumerated; `own` is then not called.
   */
  draws?(parameters: ParameterValues): number;
  /** Lower bound of the probability under the noise itself, from the bounds under its components; by default the only bound. */
  mean?(p: readonly number[]): number;
}

const definitions: Readonly<Record<string, CertificateDefinition>> = {
  normal: { own: ([p], { sigma }) => ({ l2: normalL2(p, sigma) }) },
  laplace: { own: ([p], { scale }) => ({ l1: laplaceL1(p, scale) }) },
  uniform: {
    own: ([p], { bound }, dimensions) => ({
      l1: uniformL1(p, bound),
      l2: uniformL2(p, bound, dimensions),
      linf: uniformLinf(p, bound, dimensions),
    }),
  },
  // Averaging over one of the two noises is post-processing for the other noise, so the radii of both noises hold.
  conv: {
    own: ([p], { sigma, bound }, dimensions) => ({
      l1: uniformL1(p, bound),
      l2: Math.max(normalL2(p, sigma), uniformL2(p, bound, dimensions)),
      linf: uniformLinf(p, bound, dimensions),
    }),
  },
  mix: {
    own: ([p], { sigma, bound }, dimensions) => ({
      l1: mixRadius("l1", p, { sigma, bound, dimensions }),
      l2: mixRadius("l2", p, { sigma, bound, dimensions }),
    }),
  },
  "mix-image": {
    components: ({ sigma, bound }) => [fullName("normal", [sigma]), fullName("uniform", [bound])],
    own: ([normal, uniform], { sigma, bound }, dimensions) => ({
      l1: mixImageRadius("l1", { normal, uniform }, { sigma, bound, dimensions }),
      l2: mixImageRadius("l2", { normal, uniform }, { sigma, bound, dimensions }),
    }),
    mean: ([normal, uniform]) => (normal + uniform) / 2,
  },
  "exp-linf": { own: ([p], { scale }) => ({ linf: expLinf(p, scale) }) },
  splitting: { draws: ({ lambda }) => shiftsOf(lambda), own: () => ({}) },
};

/** The names of noises with a certificate, without parameters. */
export const certifiedNoises: readonly string[] = Object.keys(definitions);

/** The certificate of a classifier under one noise. */
export interface Certificate {
  /** The noise with all its parameters. */
  readonly noise: string;
  /** The noises that are sampled separately, each with an equal part of α. */
  readonly components: readonly string[];
  /** The number of draws on an 8-bit image, if they are enumerated and the certificate is exact; null if draws are random. */
  readonly draws: number | null;
  /**
   * Radii within which the class stays the most probable one, in `dimensions` = channels · rows · columns. `p` [components] has
   * lower bounds of the class's probability. Radii are 0 if the bounds do not exceed ½.
   */
  radii(p: readonly number[], dimensions: number): Radii;
}

/**
 * The certificate of a noise given as `normal:0.25`. Throws `UsageError` for a noise without a certificate.
 *
 * @example
 * ```ts
 * import { certificateOf } from "rampart";
 *
 * console.log(certificateOf("normal:0.25").noise);
 * ```
 */
export function certificateOf(text: string): Certificate {
  const { definition, parameters } = parseNoise(text);
  if (!Object.hasOwn(definitions, definition.name))
    throw new UsageError(
      `no certificate is known for ${definition.name} noise, got ${text}; use ${certifiedNoises.join(", ")}`,
      { code: "misfit" },
    );
  const { components, own, draws, mean = ([p]) => p } = definitions[definition.name];
  const noise = definition(parameters).name;
  return {
    noise,
    components: components?.(parameters) ?? [noise],
    draws: draws?.(parameters) ?? null,
    radii: (p, dimensions) =>
      mean(p) > 0.5 ? inAllNorms(own(p, parameters, dimensions), dimensions) : noRadii,
  };
}
