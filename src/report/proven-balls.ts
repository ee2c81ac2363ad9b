// Proven, broken and undecided images of an evaluation, counted by ball.
import type { CertificateRow } from "../certify/row.ts";
import { present } from "../math/defined.ts";
import type { ProofRow } from "../verify/proof-row.ts";
import { normName, percent, radius } from "./format.ts";

/** The status of the images in one ball. The three counts add up to `examples`. */
export interface ProvenBall {
  readonly norm: string;
  readonly epsilon: number;
  readonly examples: number;
  readonly proven: number;
  readonly broken: number;
  readonly undecided: number;
  /** The broken images that were proven before. Each is a bug. */
  readonly contradicted: number;
  /** Images by the method that proved or broke them: proofs first, then the most frequent. */
  readonly methods: readonly {
    readonly status: "proven" | "broken";
    readonly method: string;
    readonly images: number;
  }[];
}

/** The method of images that a certificate of randomised smoothing covers. */
export const SMOOTHING = "smoothing";

/** Rows by a name, in the order of their first row. */
function grouped(rows: readonly ProofRow[], nameOf: (row: ProofRow) => string): ProofRow[][] {
  const groups = new Map<string, ProofRow[]>();
  for (const row of rows) {
    const group = groups.get(nameOf(row)) ?? [];
    groups.set(nameOf(row), group);
    group.push(row);
  }
  return [...groups.values()];
}

function methodsOf(rows: readonly ProofRow[]): ProvenBall["methods"] {
  const decided = rows.filter(({ status }) => status !== "undecided");
  return grouped(decided, ({ status, method }) => `${status} ${method}`)
    .map((own) => ({
      status: own[0].status === "proven" ? ("proven" as const) : ("broken" as const),
      method: own[0].method ?? "",
      images: own.length,
    }))
    .sort((a, b) => b.status.localeCompare(a.status) || b.images - a.images);
}

function ballOf(rows: readonly ProofRow[]): ProvenBall {
  const [{ norm, epsilon }] = rows;
  const count = (wanted: string) => rows.filter(({ status }) => status === wanted).length;
  return {
    norm,
    epsilon,
    examples: rows.length,
    proven: count("proven"),
    broken: count("broken"),
    undecided: count("undecided"),
    contradicted: rows.filter(({ refuted }) => refuted !== undefined).length,
    methods: methodsOf(rows),
  };
}

/** The counts by norm, each with its radii in ascending order. */
export const provenBalls = (rows: readonly ProofRow[]): ProvenBall[] =>
  grouped(rows, ({ norm }) => norm).flatMap((ofNorm) =>
    grouped(ofNorm, ({ epsilon }) => String(epsilon))
      .map(ballOf)
      .sort((a, b) => a.epsilon - b.epsilon),
  );

/** `ℓ∞ 8/255`. */
export const ballName = ({ norm, epsilon }: Pick<ProvenBall, "norm" | "epsilon">): string =>
  `${normName(norm)} ${radius(epsilon)}`;

/** A certified radius with four digits after the point, rounded down. */
export const roundedDown = (at: number): string => (Math.floor(at * 1e4) / 1e4).toFixed(4);

/** The norms of certified radii. */
export const certifiedNorms = ["linf", "l2", "l1"] as const;

/** Shares of images: tables show the largest radius for which each share is certified. */
const SHARES = [0.75, 0.5, 0.25, 0.1] as const;

/** The certified accuracy at a radius. */
export interface CertifiedStep {
  readonly norm: string;
  readonly radius: number;
  readonly share: number;
}

/** The radii in a norm that images are certified for with the right class, ascending. */
export function certifiedRadii(
  rows: readonly CertificateRow[],
  norm: (typeof certifiedNorms)[number],
): number[] {
  const right = rows.filter(({ prediction, label }) => prediction === label);
  return right
    .map((row) => row.radius[norm])
    .filter((at) => at > 0)
    .sort((a, b) => a - b);
}

/** The largest radii at which the certified share still reaches certain values, as far as it reaches them. */
export function certifiedSteps(
  rows: readonly CertificateRow[],
  norm: (typeof certifiedNorms)[number],
): CertifiedStep[] {
  const radii = certifiedRadii(rows, norm);
  const reached = SHARES.map((share) => radii[radii.length - Math.ceil(share * rows.length)]);
  return [...new Set(present(reached))].map((at) => ({
    norm,
    radius: at,
    share: radii.filter((one) => one >= at).length / rows.length,
  }));
}

/** Whether a ball's images are certified under noise instead of proven. */
export const isCertified = ({ methods }: Pick<ProvenBall, "methods">): boolean =>
  methods.some(({ method }) => method === SMOOTHING);

/** `Proven for 38.2 % of images, broken for 59.0 %, undecided for 2.8 %.` */
export function provenSentence(
  ball: Pick<ProvenBall, "examples" | "proven" | "broken" | "undecided">,
  kind: "proof" | "certificate",
): string {
  const { examples, proven, broken, undecided } = ball;
  const share = (count: number) => percent(count / examples);
  const verb = kind === "proof" ? "Proven" : "Certified";
  return `${verb} for ${share(proven)} of images, broken for ${share(broken)}, undecided for ${share(undecided)}.`;
}
