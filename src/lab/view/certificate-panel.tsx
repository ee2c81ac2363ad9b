import type { CertificateMoment, ModelFacts } from "../protocol.ts";
import { ALPHA, certificate, chosenNoise, draws, N0, noise } from "../state/guarantees.ts";
import { normSigns, percentDown, shortDown } from "./numbers.ts";
import { SeriesButtons } from "./series-buttons.tsx";

const WIDTH = 320;
const HEIGHT = 140;

/** The share of draws for the class, and its lower bound, over the draws. */
function Curve({ moments }: { readonly moments: readonly CertificateMoment[] }) {
  const bounding = moments.filter(({ phase }) => phase !== "class");
  if (bounding.length === 0) return null;
  const place = ({ draws: at, of }: CertificateMoment, value: number) =>
    `${((WIDTH * at) / of).toFixed(1)},${((1 - Math.max(0.5, value)) * 2 * HEIGHT).toFixed(1)}`;
  const votes = (one: CertificateMoment) => Math.max(...one.counts) / Math.max(1, one.draws);
  const line = (value: (one: CertificateMoment) => number) =>
    bounding.map((one) => place(one, value(one))).join(" ");
  return (
    <figure class="trace">
      <svg
        viewBox={`0 -2 ${WIDTH} ${HEIGHT + 4}`}
        preserveAspectRatio="none"
        role="img"
        aria-label="Share of draws for the class, and its lower bound, over the draws"
      >
        <line x1="0" x2={WIDTH} y1={HEIGHT} y2={HEIGHT} class="axis" />
        <line x1="0" x2={WIDTH} y1="0" y2="0" class="axis" />
        <polyline points={line(votes)} class="line quiet" />
        <polyline points={line(({ pLower }) => pLower)} class="line right" />
      </svg>
      <figcaption>
        <span class="key quiet">share of draws</span>
        <span class="key right">lower bound</span>
        <span class="quiet">from ½ to 1; nothing is certified at ½</span>
      </figcaption>
    </figure>
  );
}

/** One sentence on the progress of the certificate. */
function sentence(moment: CertificateMoment | undefined, classes: readonly string[]): string {
  if (moment === undefined) return "Nothing is drawn yet.";
  const name = (i: number) => `“${classes[i]}”`;
  if (moment.phase === "class") return `${moment.draws} of ${moment.of} draws choose the class.`;
  if (moment.phase === "done")
    return moment.prediction === null
      ? "The certifier abstains: the bound is not above ½."
      : `Certified: ${name(moment.prediction)} within the radii below, wrong with a probability of at most ${ALPHA}.`;
  const chosen = moment.prediction === null ? "the class" : name(moment.prediction);
  return `${moment.draws} of ${moment.of} draws bound the probability of ${chosen}. The radius counts once all are drawn.`;
}

function Form() {
  return (
    <form class="form" onSubmit={(event) => event.preventDefault()}>
      <label class="field">
        <span>Noise</span>
        <input
          type="text"
          value={noise.value}
          spellcheck={false}
          list="certified-noises"
          onChange={({ currentTarget }) => {
            const given = currentTarget.value.trim();
            chosenNoise.value = given === "" ? null : given;
          }}
        />
        <datalist id="certified-noises">
          {["normal:0.25", "normal:0.5", "uniform:0.2", "laplace:0.1"].map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      </label>
      <label class="field">
        <span>Draws</span>
        <select
          value={String(draws.value)}
          onChange={({ currentTarget }) => {
            draws.value = Number(currentTarget.value);
          }}
        >
          {[1000, 2000, 10_000, 100_000].map((one) => (
            <option key={one} value={String(one)}>
              {one}
            </option>
          ))}
        </select>
      </label>
    </form>
  );
}

/** The certificate of the image under noise. */
export function CertificatePanel({ network }: { readonly network: ModelFacts }) {
  const moments = certificate.moments.value;
  const last = moments.at(-1);
  const isDone = last?.phase === "done";
  return (
    <section class="panel stack" aria-labelledby="certificate-title">
      <h2 id="certificate-title">Certificate, by sampling noise</h2>
      <p class="quiet">
        {`The class that the network answers most often under noise. ${N0} draws choose it, and fresh ones bound its probability from below (Clopper–Pearson). The radius follows from the bound.`}
      </p>
      <Form />
      <SeriesButtons series={certificate} text="Sample" />
      <p class="large" data-certified={isDone && last.radius.l2 > 0}>
        {last === undefined ? "–" : shortDown(last.radius.l2)}
        <span class="unit">{isDone ? " certified radius in ℓ2" : " radius in ℓ2 so far"}</span>
      </p>
      <p role="status">{sentence(last, network.classes)}</p>
      <dl class="sizes" aria-label="Radii">
        {(["linf", "l2", "l1"] as const).map((norm) => (
          <div key={norm}>
            <dt>{normSigns[norm]}</dt>
            <dd>{shortDown(last?.radius[norm] ?? 0)}</dd>
          </div>
        ))}
        <div>
          <dt>probability, at least</dt>
          <dd>{percentDown(last?.pLower ?? 0)}</dd>
        </div>
      </dl>
      <Curve moments={moments} />
      {last?.sampling === "naive" && (
        <p class="quiet">
          The image is not made of 8-bit pixels, or the noise has no 8-bit form. Noise is drawn in
          float32, where rounding may make a radius wrong.
        </p>
      )}
    </section>
  );
}
