import type { Interval } from "../math/statistics.ts";

/** The attacks in a ball of one norm, and the accuracy under them. */
interface AttackedNorm {
  readonly norm: string;
  readonly attacks: readonly { readonly attack: string; readonly broken: number }[];
  readonly accuracy: Interval;
}

/** Whether two accuracies are equal up to rounding. */
const ties = (a: Interval, b: Interval): boolean => Math.abs(a.mean - b.mean) < 1e-12;

/** The norm with the lowest accuracy at its largest radius, and its strongest attack; empty if norms tie or nothing broke. */
export function weakest(largest: readonly AttackedNorm[]) {
  const none = { weakestNorms: [], strongestAttacks: [], breaksFirst: null };
  if (largest.every(({ attacks }) => attacks.every(({ broken }) => broken === 0))) return none;
  const least = largest.reduce((a, b) => (b.accuracy.mean < a.accuracy.mean ? b : a));
  const tied = largest.filter(({ accuracy }) => ties(accuracy, least.accuracy));
  const weakestNorms = tied.map(({ norm }) => norm);
  if (tied.length > 1) return { weakestNorms, strongestAttacks: [], breaksFirst: null };
  const most = Math.max(...least.attacks.map(({ broken }) => broken));
  const strongestAttacks = least.attacks
    .filter(({ broken }) => broken === most && broken > 0)
    .map(({ attack }) => attack);
  const breaksFirst = strongestAttacks.length === 1 ? strongestAttacks[0] : null;
  return { weakestNorms, strongestAttacks, breaksFirst };
}
