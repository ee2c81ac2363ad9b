import type { Prediction } from "../protocol.ts";
import type { Moment } from "../state/player.ts";

const WIDTH = 320;
const HEIGHT = 120;

const rival = (probabilities: readonly number[], label: number): number =>
  Math.max(...probabilities.filter((_, i) => i !== label));

/** A line through values in [0, 1]. */
function lineOf(values: readonly number[]): string {
  const across = WIDTH / Math.max(1, values.length - 1);
  return values
    .map((value, i) => `${(i * across).toFixed(1)},${((1 - value) * HEIGHT).toFixed(1)}`)
    .join(" ");
}

interface Props {
  readonly history: readonly Moment[];
  readonly label: number;
  readonly before: Prediction;
}

/** The probabilities of the label and of the likeliest other class, query by query. */
export function Trace({ history, label, before }: Props) {
  const all = [before, ...history.map(({ answer }) => answer)];
  const right = all.map(({ probabilities }) => probabilities[label]);
  const wrong = all.map(({ probabilities }) => rival(probabilities, label));
  return (
    <figure class="trace">
      <svg
        viewBox={`0 -2 ${WIDTH} ${HEIGHT + 4}`}
        preserveAspectRatio="none"
        role="img"
        aria-label="Confidence over the course of the attack"
      >
        <line x1="0" x2={WIDTH} y1={HEIGHT} y2={HEIGHT} class="axis" />
        <line x1="0" x2={WIDTH} y1="0" y2="0" class="axis" />
        <polyline points={lineOf(right)} class="line right" />
        <polyline points={lineOf(wrong)} class="line wrong" />
      </svg>
      <figcaption>
        <span class="key right">true class</span>
        <span class="key wrong">likeliest other</span>
      </figcaption>
    </figure>
  );
}
