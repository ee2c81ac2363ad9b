import { batch } from "@preact/signals";
import type { Picture, Prediction } from "../protocol.ts";
import { clean, labelOf, player } from "../state/attack.ts";
import { model, openShipped, picture, useNoise } from "../state/model.ts";
import { pace } from "../state/player.ts";
import { addedNoise, attackName, eot, norm, steps } from "../state/scene.ts";
import { AttackForm } from "./attack-form.tsx";
import { Cloud, rightDraws } from "./cloud.tsx";
import { PictureCanvas } from "./picture-canvas.tsx";
import { Transport } from "./transport.tsx";

/** Runs C&W with this many draws averaged at each step; opens a network with noise if the open one has none. */
async function carliniWagner(draws: number): Promise<void> {
  if (model.value?.noise === null) await openShipped(NOISY);
  batch(() => {
    attackName.value = "cw";
    norm.value = "l2";
    steps.value = 20;
    eot.value = draws;
    pace.value = 0;
  });
}

/** The shipped network that was trained with normal noise. */
const NOISY = "shapes-noise";

/** The noise of the network: that of the file, or one that the user adds. */
function NoiseForm() {
  const own = model.value?.ownNoise ?? null;
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        void useNoise(String(new FormData(event.currentTarget).get("noise") ?? "").trim());
      }}
    >
      <label class="field">
        <span>Noise at every prediction</span>
        <input
          type="text"
          name="noise"
          value={addedNoise.value}
          placeholder={own ?? "none; for example normal:0.1"}
          spellcheck={false}
        />
      </label>
      <button type="submit">Use this noise</button>
    </form>
  );
}

function NoNoise() {
  return (
    <div class="panel">
      <p>
        This network adds no noise, so all of its draws are the same. Add noise to it above, or use
        one that was trained with noise.
      </p>
      <div class="transport">
        <button type="button" class="primary" onClick={() => void openShipped(NOISY)}>
          Use the one trained with normal noise
        </button>
        <button type="button" onClick={() => void openShipped("shapes-rat")}>
          Use randomised adversarial training
        </button>
      </div>
    </div>
  );
}

/** Why a single draw misleads an attack, in two buttons. */
function Lesson() {
  return (
    <section class="panel" aria-label="Why C&W seems to fail against noise">
      <h2>Why C&amp;W seems to fail against noise</h2>
      <p class="quiet">
        C&amp;W looks for the smallest change that fools the network. With one draw per step it
        stops at a point that fools that draw, and nearly all fresh draws are right again. Averaged
        over draws, the same attack stops at the border of the averaged decision, where about half
        of them are wrong. Any attack that continues from there breaks the rest.
      </p>
      <div class="transport">
        <button type="button" onClick={() => void carliniWagner(1)}>
          1. C&amp;W, one draw per step
        </button>
        <button type="button" onClick={() => void carliniWagner(16)}>
          2. C&amp;W, 16 draws per step
        </button>
      </div>
    </section>
  );
}

/** What the draws say before and after the attack. */
function Draws({ one, before }: { readonly one: Picture; readonly before: Prediction }) {
  const frame = player.frame.value;
  const now = frame?.answer ?? before;
  const label = labelOf(one, before);
  const right = rightDraws(now, label);
  const count = now.draws.length;
  return (
    <>
      <AttackForm />
      <p class="verdict" data-broken={2 * right < count}>
        {`${right} of ${count} fresh draws are right${frame === null ? "" : ` after ${frame.queries} queries`}; ${rightDraws(before, label)} were on the clean image.`}
      </p>
      <div class="columns">
        <section class="panel" aria-label="Predictions over draws of the noise">
          <Cloud before={before} now={now} label={label} />
        </section>
        <section class="panel" aria-label="Images">
          <div class="pair">
            <PictureCanvas pixels={one.pixels} shape={one.shape} label="Original image" />
            <PictureCanvas
              pixels={frame?.pixels ?? one.pixels}
              shape={one.shape}
              label="Adversarial image"
            />
          </div>
          <Transport players={[player]} />
        </section>
      </div>
    </>
  );
}

/** The view of a randomised model. */
export function NoiseView() {
  const [network, one, before] = [model.value, picture.value, clean.value];
  if (network === null) return null;
  const isKnown = one !== null && before !== null;
  return (
    <>
      <NoiseForm />
      {network.noise === null && <NoNoise />}
      {network.noise !== null && isKnown && <Draws one={one} before={before} />}
      {network.noise !== null && one === null && <p class="empty">Choose an image to attack.</p>}
      <Lesson />
    </>
  );
}
