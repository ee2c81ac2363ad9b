import { expect, it } from "vitest";
import { requireExamples } from "../defenses/objective.ts";
import { type Defense, defenseNamed, defenseNames } from "../defenses/table.ts";
import { tensor } from "../math/tensor.ts";
import { growthRefusal, warmedUp } from "./radius-warmup.ts";

/** A defence that adds its radius to every pixel. */
const shifting = (scale: number): Defense => ({
  name: "shifting",
  noise: null,
  attacks: [],
  objective: {
    name: "shifting",
    examples: async (_, x) =>
      tensor(
        x.shape,
        x.data.map((pixel) => pixel + scale),
      ),
  },
});

it("radii grow from a sixteenth to their full length, then stay, and depend on the step alone", async () => {
  const { defense, beforeStep } = warmedUp(shifting, 0.5);
  const radiusAt = async (step: number) => {
    beforeStep(step, 64);
    const { examples } = requireExamples(defense.objective);
    const x = await examples(undefined as never, tensor([1], [0]), [0], []);
    return x.data[0];
  };
  expect(await radiusAt(0)).toBe(1 / 16);
  expect(await radiusAt(15)).toBe(0.5);
  expect(await radiusAt(16)).toBe(9 / 16);
  expect(await radiusAt(31)).toBe(1);
  expect(await radiusAt(63)).toBe(1);
  expect(await radiusAt(15)).toBe(0.5);
});

it("defences without a radius of --epsilon-*, or with a growth of their own, refuse growing radii", () => {
  const refused = defenseNames.filter((name) => {
    const make = (scale: number) =>
      defenseNamed(name, { epsilonLinf: 0.03 * scale, epsilonL2: scale, epsilonL1: 9 * scale });
    return growthRefusal(make) !== undefined;
  });
  expect(refused).toEqual([
    "standard",
    "ni-normal",
    "ni-uniform",
    "ni-laplace",
    "ni-splitting",
    "mni-mix",
    "mni-conv",
    "consistency",
    "smoothadv",
    "macer",
    "ibp",
    "crown-ibp",
  ]);
});
