import { effect, signal } from "@preact/signals";
import type { TheoryRow } from "../../paper/theory/table1.ts";
import { dimension, view } from "../state/scene.ts";
import { lab, unwrapped } from "../state/worker.ts";
import { Slider } from "./form-parts.tsx";
import { short } from "./numbers.ts";

/** Dimensions from 1 to 10 000 on a logarithmic slider, and those of the data sets. */
const LARGEST = 4;
const known = [
  [784, "MNIST"],
  [3072, "CIFAR-10"],
] as const;

const row = signal<TheoryRow | null>(null);

effect(() => {
  const wanted = dimension.value;
  if (view.value !== "theorem") return;
  void unwrapped(lab.theory(wanted)).then((found) => {
    if (dimension.peek() === wanted && found !== null) row.value = found;
  });
});

/** A power of ten for people: `0.785`, `10^−577.6`. */
function powerText(log10: number | null): string {
  if (log10 === null) return "does not apply";
  if (log10 > -4) return short(10 ** log10);
  return `10^−${Math.abs(log10).toFixed(1)}`;
}

/** A bar whose length is the number of decimal places. */
function Row({ name, value, kind }: { name: string; value: number | null; kind: string }) {
  const most = 0.45 * 10 ** LARGEST;
  const length = value === null ? 0 : Math.min(1, Math.sqrt(Math.abs(value) / most));
  return (
    <li data-kind={kind}>
      <span class="bar-name">{name}</span>
      <span class="bar-track">
        <span class="bar-fill" style={{ width: `${100 * length}%` }} />
      </span>
      <span class="bar-value">{powerText(value)}</span>
    </li>
  );
}

/** Theorem 1: the share of the ℓ∞ ball that an ℓ2 ball of equal volume covers vanishes as the dimension grows. */
export function TheoremView() {
  const found = row.value;
  return (
    <>
      <section class="panel" aria-labelledby="theorem-title">
        <h2 id="theorem-title">How much of a cube does a ball of the same volume cover?</h2>
        <Slider
          text="Dimension d"
          shown={String(dimension.value)}
          min={0}
          max={LARGEST}
          step={0.01}
          value={Math.log10(dimension.value)}
          isLive={true}
          set={(power) => {
            dimension.value = Math.round(10 ** power);
          }}
        />
        <div class="transport">
          {known.map(([value, name]) => (
            <button
              key={name}
              type="button"
              onClick={() => {
                dimension.value = value;
              }}
            >
              {`${name}, d = ${value}`}
            </button>
          ))}
        </div>
      </section>
      {found !== null && (
        <section class="panel" aria-label="Share of the cube that the ball covers">
          <p class="large">{powerText(found.ratio)}</p>
          <p class="quiet">
            {`is the share of the ℓ∞ ball in dimension ${found.dimension} that the ℓ2 ball of equal volume covers. The longer a bar, the more zeros after the point.`}
          </p>
          <ul class="bars wide" aria-label="The share, and what bounds it">
            <Row name="truth" value={found.ratio} kind="label" />
            <Row name="Chernoff’s bound, correct" value={found.chernoff} kind="other" />
            <Row name="Hoeffding’s bound, correct" value={found.hoeffding} kind="other" />
            <Row name="the paper’s formula, no bound" value={found.asPrinted} kind="wrong" />
          </ul>
        </section>
      )}
    </>
  );
}
