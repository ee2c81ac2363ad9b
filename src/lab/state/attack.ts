// The attack of the page. It starts again whenever the model, the image or a setting changes.
import { effect, signal, untracked } from "@preact/signals";
import type { AttackSettings, ModelFacts, Norm, Picture, Prediction } from "../protocol.ts";
import { attacks, model, picture } from "./model.ts";
import { Player } from "./player.ts";
import { attackName, eot, epsilon, norm, seed, steps, view } from "./scene.ts";
import { lab, unwrapped } from "./worker.ts";

/** The model's prediction for the image before the attack; null while it is not known. */
export const clean = signal<Prediction | null>(null);

/** The attack of the view `attack`. */
export const player = new Player();

/** The class that the attack leads away from: the true one, or that of the clean prediction if it is unknown. */
export const labelOf = ({ label }: Picture, { prediction }: Prediction): number =>
  label ?? prediction;

/** The settings of the page for an attack in a norm. */
export function settingsOf(norm: Norm, epsilon: number, label: number): AttackSettings {
  return {
    attack: attackName.value,
    norm,
    epsilon,
    steps: steps.value,
    eot: eot.value,
    seed: seed.value,
    label,
  };
}

/** The size of an image that a model takes, as text. */
const fits = (one: Picture | null, shape: readonly number[] | undefined): one is Picture =>
  one !== null && one.shape.join() === shape?.join();

/** Asks the model about each new image. */
function followImage(): void {
  effect(() => {
    const [network, one] = [model.value, picture.value];
    clean.value = null;
    if (!fits(one, network?.shape)) return;
    void unwrapped(lab.predict(one)).then((found) => {
      if (model.peek() === network && picture.peek() === one) clean.value = found;
    });
  });
}

/** The class to attack; null while there is none. Only an image without a class waits for its clean prediction. */
function labelToAttack(network: ModelFacts | null, one: Picture | null): number | null {
  if (!fits(one, network?.shape)) return null;
  return one.label ?? clean.value?.prediction ?? null;
}

/** Attacks each image as soon as its label is known. */
function followSettings(): void {
  effect(() => {
    const one = picture.value;
    const label = labelToAttack(model.value, one);
    const settings = label === null ? null : settingsOf(norm.value, epsilon.value, label);
    const isShown = view.value === "attack" || view.value === "noise";
    // A change of the player's own signals does not restart the attack.
    untracked(() => {
      if (!isShown || settings === null || one === null) player.pause();
      else {
        player.load(settings, one);
        void player.play();
      }
    });
  });
}

/** Moves to a norm that the chosen attack has. */
function followAttack(): void {
  effect(() => {
    const found = attacks.value.find(({ name }) => name === attackName.value);
    if (found !== undefined && !found.norms.includes(norm.value)) norm.value = found.norms[0];
  });
}

/** Starts the effects above. */
export function followScenes(): void {
  followAttack();
  followImage();
  followSettings();
}
