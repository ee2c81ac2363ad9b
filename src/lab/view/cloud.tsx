import type { Prediction } from "../protocol.ts";

const SIDE = 220;

interface Props {
  /** On the clean image. */
  readonly before: Prediction;
  /** On the attacked image. */
  readonly now: Prediction;
  readonly label: number;
}

const rival = (row: readonly number[], label: number): number =>
  Math.max(...row.filter((_, i) => i !== label));

function Dots({ draws, label, kind }: { draws: Prediction["draws"]; label: number; kind: string }) {
  return (
    <g class={kind}>
      {draws.map((row, i) => (
        <circle key={i} cx={SIDE * row[label]} cy={SIDE * (1 - rival(row, label))} r="4" />
      ))}
    </g>
  );
}

/** Draws that give the right class. */
export const rightDraws = ({ draws }: Prediction, label: number): number =>
  draws.filter((row) => row[label] >= rival(row, label)).length;

/** A dot per draw of the noise: the probability of the true class against that of the likeliest other one. */
export function Cloud({ before, now, label }: Props) {
  const said = `${rightDraws(before, label)} of ${before.draws.length} draws are right on the clean image, ${rightDraws(now, label)} on the attacked one`;
  return (
    <figure class="cloud">
      <svg viewBox={`-8 -8 ${SIDE + 16} ${SIDE + 16}`} role="img" aria-label={said}>
        <rect width={SIDE} height={SIDE} class="frame" />
        <line x1="0" y1={SIDE} x2={SIDE} y2="0" class="axis" />
        <Dots draws={before.draws} label={label} kind="dots before" />
        <Dots draws={now.draws} label={label} kind="dots now" />
      </svg>
      <figcaption>
        <span class="key right">clean image</span>
        <span class="key wrong">attacked image</span>
        <span class="quiet">
          across: true class; up: likeliest other class; below the line: right
        </span>
      </figcaption>
    </figure>
  );
}
