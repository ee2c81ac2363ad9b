import type { ModelFacts, ProofMoment } from "../protocol.ts";
import { proof, proofNorm } from "../state/guarantees.ts";
import { norms } from "../state/scene.ts";
import { NormChoice } from "./form-parts.tsx";
import { normSigns, short, shortDown } from "./numbers.ts";
import { SeriesButtons } from "./series-buttons.tsx";

const WIDTH = 320;
const HEIGHT = 44;

/** The radii from 0 to what the attack broke: proven, unknown, broken. */
function Scale({ moment: { lower, upper, open, trials } }: { readonly moment: ProofMoment }) {
  const most = 1.15 * Math.max(upper ?? 0, open ?? 0, lower, 1e-9);
  const at = (radius: number) => (WIDTH * radius) / most;
  return (
    <svg
      class="scale"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={`Proven up to ${shortDown(lower)}; ${upper === null ? "no attack found anything" : `broken at ${short(upper)}`}`}
    >
      <rect class="frame" y="10" width={WIDTH} height="14" rx="4" />
      <rect class="proven" y="10" width={at(lower)} height="14" rx="4" />
      {upper !== null && (
        <rect class="broken" x={at(upper)} y="10" width={WIDTH - at(upper)} height="14" rx="4" />
      )}
      {trials.map(({ radius, isProven }) => (
        <line
          key={radius}
          class={isProven ? "tick right" : "tick quiet"}
          x1={at(radius)}
          x2={at(radius)}
          y1="4"
          y2="30"
        />
      ))}
    </svg>
  );
}

/** One sentence on the progress of the proof. */
function sentence(moment: ProofMoment | undefined): string {
  if (moment === undefined) return "Nothing is tried yet.";
  const { lower, upper, done, trials } = moment;
  if (upper === 0) return "The network is wrong on the clean image, so there is nothing to prove.";
  const last = trials.at(-1);
  const broken =
    upper === null ? "the attack found nothing" : `an attack breaks it at ${short(upper)}`;
  if (done) return `Proven up to ${shortDown(lower)}; ${broken}. In between it is undecided.`;
  if (last === undefined) return `First, ${broken}. Now radii are tried.`;
  const found = last.isProven
    ? `proven by ${last.method}`
    : `no proof in ${last.seconds.toFixed(1)} s`;
  return `Radius ${short(last.radius)}: ${found}.`;
}

/** The proven radius of the image. */
export function ProofPanel({ network }: { readonly network: ModelFacts }) {
  const moment = proof.moments.value.at(-1);
  return (
    <section class="panel stack" aria-labelledby="proof-title">
      <h2 id="proof-title">Proof, by bounds on the network</h2>
      <p class="quiet">
        The largest radius for which bounds on every layer leave no other answer, found by
        bisection. It holds for every image in the ball, and for this page’s rounding. Small
        networks only.
      </p>
      {network.noise === null ? (
        <>
          <NormChoice
            name="proof-norm"
            value={proofNorm.value}
            norms={norms}
            set={(norm) => {
              proofNorm.value = norm;
            }}
          />
          <SeriesButtons series={proof} text="Prove" />
          <p class="large">
            {moment === undefined ? "–" : shortDown(moment.lower)}
            <span class="unit">{` proven radius in ${normSigns[proofNorm.value]}`}</span>
          </p>
          <p role="status">{sentence(moment)}</p>
          {moment !== undefined && (
            <>
              <Scale moment={moment} />
              <figure class="trace">
                <figcaption>
                  <span class="key right">proven</span>
                  <span class="key quiet">tried without a proof</span>
                  <span class="key wrong">broken by an attack</span>
                </figcaption>
              </figure>
            </>
          )}
        </>
      ) : (
        <p>
          This network adds noise at every prediction, so its answer is not one function of the
          image. Certify it by sampling.
        </p>
      )}
    </section>
  );
}
