import { signal } from "@preact/signals";
import type { Frame, ModelFacts, Picture, Prediction } from "../protocol.ts";
import { clean, labelOf, player } from "../state/attack.ts";
import { model, picture } from "../state/model.ts";
import { AttackForm } from "./attack-form.tsx";
import { Bars } from "./bars.tsx";
import { normSigns, percent, short } from "./numbers.ts";
import { PictureCanvas } from "./picture-canvas.tsx";
import { amplified, savePng } from "./pixels.ts";
import { Trace } from "./trace.tsx";
import { Transport } from "./transport.tsx";

/** The factor of the difference. */
const gain = signal(8);

interface Shown {
  readonly network: ModelFacts;
  readonly one: Picture;
  readonly before: Prediction;
  /** The attack's point; null before its first question. */
  readonly frame: Frame | null;
}

/** Original, adversarial image, and the difference. */
function Triptych({ network, one, before, frame }: Shown) {
  const now = frame?.answer ?? before;
  const pixels = frame?.pixels ?? one.pixels;
  const label = labelOf(one, before);
  const name = (i: number) => network.classes[i];
  return (
    <div class="triptych">
      <figure>
        <PictureCanvas pixels={one.pixels} shape={one.shape} label="Original image" />
        <figcaption>
          <b>Original</b>
          <span class={before.prediction === label ? "right" : "wrong"}>
            {name(before.prediction)} {percent(before.probabilities[before.prediction])}
          </span>
        </figcaption>
      </figure>
      <figure>
        <PictureCanvas pixels={pixels} shape={one.shape} label="Adversarial image" />
        <figcaption>
          <b>Adversarial</b>
          <span class={now.prediction === label ? "right" : "wrong"}>
            {name(now.prediction)} {percent(now.probabilities[now.prediction])}
          </span>
        </figcaption>
      </figure>
      <figure>
        <PictureCanvas
          pixels={amplified(pixels, one.pixels, gain.value)}
          shape={one.shape}
          label="Amplified difference"
        />
        <figcaption>
          <b>Difference</b>
          <label class="inline">
            <span class="hidden">Amplified by</span>
            <select
              class="caption-select"
              value={String(gain.value)}
              onChange={({ currentTarget }) => {
                gain.value = Number(currentTarget.value);
              }}
            >
              {[1, 4, 8, 16, 32].map((value) => (
                <option key={value} value={String(value)}>{`× ${value}`}</option>
              ))}
            </select>
          </label>
        </figcaption>
      </figure>
    </div>
  );
}

/** One sentence on the progress of the attack. */
function verdict({ network, one, before, frame }: Shown): string {
  const label = labelOf(one, before);
  const name = (i: number) => `“${network.classes[i]}”`;
  if (before.prediction !== label)
    return `The network is wrong before any attack: it says ${name(before.prediction)}, and the image is ${name(label)}.`;
  if (frame === null) return `The network says ${name(label)}. The attack has not begun.`;
  const { queries } = frame;
  const after = queries === 1 ? "1 query" : `${queries} queries`;
  const { prediction } = frame.answer;
  if (prediction !== label) return `${name(label)} has become ${name(prediction)} after ${after}.`;
  return frame.done
    ? `The attack has ended after ${after}, and the network still says ${name(label)}.`
    : `The network still says ${name(label)} after ${after}.`;
}

function Sizes({ frame }: { readonly frame: Frame | null }) {
  return (
    <dl class="sizes" aria-label="Size of the perturbation">
      {(["linf", "l2", "l1"] as const).map((norm) => (
        <div key={norm}>
          <dt>{normSigns[norm]}</dt>
          <dd>{short(frame?.sizes[norm] ?? 0)}</dd>
        </div>
      ))}
      <div>
        <dt>queries</dt>
        <dd>{frame?.queries ?? 0}</dd>
      </div>
    </dl>
  );
}

/** The view in which one image is attacked. */
export function AttackView() {
  const [network, one, before] = [model.value, picture.value, clean.value];
  if (network === null || one === null || before === null)
    return <p class="empty">{network === null ? "" : "Choose or drop an image to attack."}</p>;
  const frame = player.frame.value;
  const shown = { network, one, before, frame };
  const now = frame?.answer ?? before;
  const label = labelOf(one, before);
  const isBroken = now.prediction !== label;
  return (
    <>
      <AttackForm />
      <Triptych {...shown} />
      <p class="verdict" data-broken={isBroken}>
        {verdict(shown)}
      </p>
      {/* A screen reader hears the end alone, not each step. */}
      <p class="hidden" role="status">
        {frame?.done === true ? verdict(shown) : ""}
      </p>
      <div class="row">
        <Transport players={[player]} />
        <button
          type="button"
          disabled={frame === null}
          onClick={() => {
            if (frame !== null) void savePng(frame.pixels, one.shape, "adversarial.png");
          }}
        >
          Save image
        </button>
      </div>
      <div class="columns">
        <section class="panel" aria-label="Confidence">
          <Bars
            classes={network.classes}
            now={now.probabilities}
            before={before.probabilities}
            label={label}
            prediction={now.prediction}
          />
        </section>
        <section class="panel" aria-label="Course of the attack">
          <Trace history={player.history.value} label={label} before={before} />
          <Sizes frame={frame} />
        </section>
      </div>
    </>
  );
}
