// The cells of a reproduction: one training per defence, and its evaluations. A finished cell is never run again.
import type { z } from "zod";
import { type Defense, defenseNamed } from "../defenses/table.ts";
import { EvaluateOptions } from "../evaluate/options.ts";
import type { TrainOptions } from "../train/options.ts";
import { thirteen } from "./printed.ts";
import type { EqualCounts, Scale } from "./scales.ts";

/** The parts of the paper that can be reproduced by training and attacking. */
export type Table = "table2" | "table3" | "table4" | "artefact" | "figure1";

/** The kinds of evaluation of a table; each has a file of rows per defence, `rows/<defence>.<kind>.jsonl`. */
export const evaluationKinds = [
  "natural",
  "published",
  "sound",
  "cw",
  "sweep",
  "autoattack",
] as const;

/** The kinds of measurement: a table's evaluations, and the demonstration. */
export type Kind = (typeof evaluationKinds)[number] | "artefact";

/** One evaluation of one defence. */
export interface EvaluationCell {
  readonly defense: string;
  readonly kind: Kind;
  readonly options: EvaluateOptions;
}

/** The training options of a defence at a scale. */
export const trainingOf = (defense: string, { training }: Scale, seed: number): TrainOptions => ({
  ...training,
  defense,
  seed,
});

/** The defences that a table needs. */
export const defensesOf = (table: Table): readonly string[] =>
  ({
    table2: ["standard", "at-linf", "at-l2"],
    table3: ["standard", "at-linf"],
    table4: thirteen,
    artefact: ["ni-normal"],
    figure1: ["standard", "at-linf", "at-l2"],
  })[table];

/** A share of a count, rounded, and at least 1. */
export const partOf = (count: number, share: number) => Math.max(1, Math.round(count * share));

/**
 * The evaluations that a table needs of a defence, on `share` of the scale's test images. For deterministic models both
 * protocols run the same PGD, and C&W runs once without a bound: its rows state the smallest radius at which they count.
 */
export function evaluationsOf(
  table: Table,
  defense: string,
  scale: Scale,
  { share, seed }: { readonly share: number; readonly seed: number },
): EvaluationCell[] {
  const { counts, eot, attack, equal } = scale;
  const cell = (
    kind: Kind,
    count: number,
    options: z.input<typeof EvaluateOptions>,
  ): EvaluationCell => ({
    defense,
    kind,
    options: EvaluateOptions.parse({
      ...attack,
      seed,
      examples: partOf(count, share),
      ...options,
    }),
  });
  if (table === "artefact" || table === "figure1") return [];
  const randomised = defenseNamed(defense).noise !== null;
  if (equal !== undefined && table === "table4")
    return equalEvaluations(equal, eot, randomised).map(({ kind, count, options }) =>
      cell(kind, count, options),
    );
  if (!randomised) {
    const attacks = ["none", "pgd-linf", "pgd-l2", "cw-l2"];
    return [cell("published", counts.deterministic, { attacks, protocol: "published" })];
  }
  const pgd = ["pgd-linf", "pgd-l2"];
  return [
    cell("natural", counts.deterministic, { attacks: ["none"], protocol: "published" }),
    cell("sound", counts.randomised, { attacks: pgd, eot: [eot.sound] }),
    cell("cw", counts.cw, { attacks: ["cw-l2"], eot: [eot.sound] }),
    cell("published", counts.published, {
      attacks: [...pgd, "cw-l2"],
      protocol: "published",
      eot: [eot.published],
    }),
    cell("sweep", counts.sweep, { attacks: pgd, eot: eot.sweep, objective: "mean-logits" }),
  ];
}

/** One evaluation, before the options of the scale. */
interface Asked {
  readonly kind: Kind;
  readonly count: number;
  readonly options: z.input<typeof EvaluateOptions>;
}

/** The evaluations of a scale with equal numbers of images. Deterministic models ignore EOT and objectives. */
function equalEvaluations(
  { pgd, autoattack, cw, published }: EqualCounts,
  eot: Scale["eot"],
  randomised: boolean,
): Asked[] {
  const attacks = ["none", "pgd-linf", "pgd-l2"];
  if (!randomised)
    return [
      { kind: "sound", count: pgd, options: { attacks } },
      {
        kind: "autoattack",
        count: autoattack,
        options: { attacks: ["autoattack-linf", "autoattack-l2"] },
      },
      { kind: "cw", count: cw, options: { attacks: ["cw-l2"] } },
      {
        kind: "published",
        count: published,
        options: { attacks: [...attacks, "cw-l2"], protocol: "published" },
      },
    ];
  return [
    { kind: "sound", count: pgd, options: { attacks, eot: [eot.sound] } },
    {
      kind: "autoattack",
      count: autoattack,
      // AutoAttack averages the loss over its 20 draws (Croce & Hein 2020, §6).
      options: {
        attacks: ["autoattack-linf-rand", "autoattack-l2-rand"],
        eot: [20],
        objective: "mean-loss",
      },
    },
    {
      kind: "cw",
      count: cw,
      options: { attacks: ["cw-l2"], eot: [eot.sound], objective: "mean-logits" },
    },
    {
      kind: "published",
      count: published,
      options: { attacks: [...attacks, "cw-l2"], protocol: "published", eot: [eot.published] },
    },
  ];
}

/** Examples passed through the network, by kind of pass; a training step counts each of its examples. */
export interface Passes {
  readonly forwards: number;
  readonly gradients: number;
  readonly steps: number;
}

/** The passes of training a defence: a step per example and epoch, and the attacks inside training. */
export function trainingPasses(
  defense: Defense,
  { epochs, examples }: { readonly epochs: number; readonly examples: number },
): Passes {
  const steps = epochs * examples;
  const inner = defense.attacks.map(({ options }) => Number(options.steps ?? 0));
  const total = inner.reduce((sum, one) => sum + one, 0);
  // MAT-Rand splits the batch among its attacks. MAT-Max gives every attack the whole batch, then judges all candidates.
  const perExample = defense.name === "mat-rand" ? total / inner.length : total;
  const judging = defense.name === "mat-max" ? inner.length : 0;
  return { forwards: 0, gradients: steps * (perExample + judging), steps };
}

/** Runs of PGD in a sound attack on a randomised model: three objectives, and fixed noise. */
const CANDIDATES = 4;

/**
 * Gradients and forward passes of AutoAttack on one example that survives it. Standard: APGD-CE of 100 steps, APGD-T of
 * 9 × 100, FAB-T of 9 × 100 with two gradients each, Square of 5,000 queries. Rand: two runs of APGD.
 */
const AUTOATTACK = {
  standard: { gradients: 2800, forwards: 5000 },
  rand: { gradients: 200, forwards: 0 },
} as const;

/** Gradients (for one draw) and forward passes of one attack on one example. */
function attackPasses(attack: string, { steps, cwSteps, cwSearches }: EvaluateOptions) {
  if (attack.startsWith("autoattack-"))
    return attack.endsWith("-rand") ? AUTOATTACK.rand : AUTOATTACK.standard;
  return { gradients: attack === "cw-l2" ? cwSteps * cwSearches : steps, forwards: 0 };
}

/** The maximum number of passes of an evaluation; C&W usually ends most of its searches early. */
export function evaluationPasses({ options, defense }: EvaluationCell): Passes {
  const randomised = defenseNamed(defense).noise !== null;
  const draws = randomised ? (options.eot ?? [1]) : [1];
  const scored = randomised && options.protocol === "sound" ? options.draws : 1;
  const worst = randomised && options.objective === undefined && options.protocol === "sound";
  let gradients = 0;
  let forwards = scored;
  for (const attack of options.attacks) {
    if (attack === "none") continue;
    const each = attackPasses(attack, options);
    for (const eot of draws) {
      const candidates = worst && attack !== "cw-l2" ? CANDIDATES : 1;
      gradients += each.gradients * eot * candidates;
      forwards += each.forwards + scored * (candidates > 1 ? 3 : 2);
    }
  }
  const { examples } = options;
  return { forwards: forwards * examples, gradients: gradients * examples, steps: 0 };
}
