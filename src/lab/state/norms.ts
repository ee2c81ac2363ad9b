// The same image attacked in three balls of equal volume.
import { computed, effect, untracked } from "@preact/signals";
import { equalVolume } from "../view/radii.ts";
import { clean, labelOf, settingsOf } from "./attack.ts";
import { attacks, model, picture } from "./model.ts";
import { Player } from "./player.ts";
import { attackName, epsilon, norm, norms, view } from "./scene.ts";

/** A player per norm. */
export const players = { linf: new Player(), l2: new Player(), l1: new Player() } as const;

/** Attacks that exist in every norm. */
export const commonAttacks = computed(() =>
  attacks.value.filter((one) => norms.every((name) => one.norms.includes(name))),
);

/** The attack of all three: the chosen one, or APGD where that one lacks a norm. */
export const commonAttack = computed(() =>
  commonAttacks.value.some(({ name }) => name === attackName.value) ? attackName.value : "apgd-ce",
);

/** The ℓ∞ radius whose ball has the volume of the chosen ball. */
export const radiusInLinf = computed(() => epsilon.value / equalVolume(norm.value, 1, model.value));

/** The radius of each norm, of equal volume. */
export const radii = computed(() => {
  const radius = (one: "linf" | "l2" | "l1") =>
    Number(equalVolume(one, radiusInLinf.value, model.value).toPrecision(4));
  return { linf: radius("linf"), l2: radius("l2"), l1: radius("l1") };
});

/** Attacks in all norms whenever the view is open and something changes. */
export function followNorms(): void {
  effect(() => {
    const [one, before] = [picture.value, clean.value];
    const isShown = view.value === "norms";
    const attack = commonAttack.value;
    const settings =
      one === null || before === null
        ? []
        : norms.map((name) => {
            const own = settingsOf(name, radii.value[name], labelOf(one, before));
            return { name, settings: { ...own, attack } };
          });
    untracked(() => {
      for (const player of Object.values(players)) player.pause();
      if (!isShown || one === null) return;
      for (const { name, settings: own } of settings) {
        players[name].load(own, one);
        void players[name].play();
      }
    });
  });
}
