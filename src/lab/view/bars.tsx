import { percent } from "./numbers.ts";

interface Props {
  readonly classes: readonly string[];
  /** Probability of each class now. */
  readonly now: readonly number[];
  /** Probability of each class of the clean image. */
  readonly before: readonly number[];
  /** Class that the attack leads away from. */
  readonly label: number;
  readonly prediction: number;
}

const SHOWN = 5;

/** The classes to show: those of the clean and the present prediction, and the likeliest. The order is that of the table. */
function shownClasses({ now, before, label, prediction }: Props): number[] {
  const byWeight = now
    .map((value, i) => [Math.max(value, before[i] ?? 0), i] as const)
    .sort(([a], [b]) => b - a)
    .map(([, i]) => i);
  const chosen = new Set([label, prediction]);
  for (const i of byWeight) if (chosen.size < SHOWN) chosen.add(i);
  return [...chosen].sort((a, b) => a - b);
}

const kindOf = (i: number, label: number, prediction: number): string => {
  if (i === label) return "label";
  return i === prediction ? "wrong" : "other";
};

/** The network's confidence per class, with a mark where it was before the attack. */
export function Bars(props: Props) {
  const { classes, now, before, label, prediction } = props;
  return (
    <ul class="bars" aria-label="Confidence per class">
      {shownClasses(props).map((i) => (
        <li key={i} data-kind={kindOf(i, label, prediction)}>
          <span class="bar-name">{classes[i]}</span>
          <span class="bar-track">
            <span class="bar-fill" style={{ width: `${100 * now[i]}%` }} />
            <span class="bar-before" style={{ left: `${100 * (before[i] ?? 0)}%` }} />
          </span>
          <span class="bar-value">{percent(now[i])}</span>
        </li>
      ))}
    </ul>
  );
}
