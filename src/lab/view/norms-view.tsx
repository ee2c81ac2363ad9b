import { signal } from "@preact/signals";
import type { ModelFacts, Norm, Picture, Prediction } from "../protocol.ts";
import { clean, labelOf } from "../state/attack.ts";
import { model, picture } from "../state/model.ts";
import { commonAttack, commonAttacks, players, radii, radiusInLinf } from "../state/norms.ts";
import { attackName, epsilon, norm, norms } from "../state/scene.ts";
import { AttackSelect, RadiusSlider } from "./form-parts.tsx";
import { normSigns, percent, short } from "./numbers.ts";
import { PictureCanvas } from "./picture-canvas.tsx";
import { amplified } from "./pixels.ts";
import { largestRadius } from "./radii.ts";
import { Trace } from "./trace.tsx";
import { Transport } from "./transport.tsx";

/** Whether the difference is shown instead of the image. */
const showsDifference = signal(false);

interface Shown {
  readonly network: ModelFacts;
  readonly one: Picture;
  readonly before: Prediction;
}

function Ball({ name, network, one, before }: Shown & { readonly name: Norm }) {
  const player = players[name];
  const frame = player.frame.value;
  const now = frame?.answer ?? before;
  const label = labelOf(one, before);
  const pixels = frame?.pixels ?? one.pixels;
  const gain = 0.5 / Math.max(0.02, frame?.sizes.linf ?? 1);
  const shown = showsDifference.value ? amplified(pixels, one.pixels, gain) : pixels;
  return (
    <section class="panel ball" aria-labelledby={`ball-${name}`}>
      <h2 id={`ball-${name}`}>
        {normSigns[name]} <span class="quiet">{`ε = ${short(radii.value[name])}`}</span>
      </h2>
      <PictureCanvas pixels={shown} shape={one.shape} label={`Attacked in ${normSigns[name]}`} />
      <p class={now.prediction === label ? "right" : "wrong"}>
        {network.classes[now.prediction]} {percent(now.probabilities[now.prediction])}
      </p>
      <Trace history={player.history.value} label={label} before={before} />
      <p class="quiet">{`${frame?.queries ?? 0} queries`}</p>
    </section>
  );
}

function Form() {
  const most = largestRadius("linf", model.value);
  return (
    <form class="form" onSubmit={(event) => event.preventDefault()}>
      <AttackSelect
        value={commonAttack.value}
        attacks={commonAttacks.value}
        set={(name) => {
          attackName.value = name;
        }}
      />
      <RadiusSlider
        text="Radius in ℓ∞"
        value={radiusInLinf.value}
        most={most}
        set={(value) => {
          norm.value = "linf";
          epsilon.value = value;
        }}
      />
      <label class="inline">
        <input
          type="checkbox"
          checked={showsDifference.value}
          onChange={({ currentTarget }) => {
            showsDifference.value = currentTarget.checked;
          }}
        />
        Show the difference, scaled to full contrast
      </label>
    </form>
  );
}

/** The view in which an image is attacked in three norms at once. */
export function NormsView() {
  const [network, one, before] = [model.value, picture.value, clean.value];
  if (network === null || one === null || before === null)
    return <p class="empty">{network === null ? "" : "Choose an image to attack."}</p>;
  return (
    <>
      <Form />
      <div class="balls">
        {norms.map((name) => (
          <Ball key={name} name={name} network={network} one={one} before={before} />
        ))}
      </div>
      <Transport players={Object.values(players)} />
      <p class="quiet">
        The three balls have equal volume. ℓ∞ changes every pixel a little, ℓ2 spreads the change by
        importance, and ℓ1 puts it into few pixels.
      </p>
    </>
  );
}
