import { expect, it } from "vitest";
import { requireExamples } from "../defenses/objective.ts";
import type { Defense } from "../defenses/table.ts";
import { tensor } from "../math/tensor.ts";
import { warmedUp } from "./radius-warmup.ts";

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
