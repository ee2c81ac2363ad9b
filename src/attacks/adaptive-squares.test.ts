import { expect, it } from "vitest";
import { keys, PIXELS, victim, x } from "../../test/fixtures/ten-images.ts";
import { marginsOf } from "../losses/margin.ts";
import { fold, type Key } from "../math/random.ts";
import { argmaxRows } from "../math/tensor.ts";
import { beginSquares } from "./adaptive-squares.ts";
import { rowOf } from "./examples.ts";
import { searchSquares } from "./square.ts";

it("begins random search twice where ascents did nothing, and goes on from the better start", async () => {
  const labels = argmaxRows(await victim.logits(x, keys));
  const stream = 1;
  const settings = { norm: "linf", epsilon: 0.02, queries: 100, share: 0.8 } as const;
  const span = { from: 1, to: 3 };
  const all = { shape: x.shape, span, isOver: undefined };
  const clean = marginsOf(await victim.logits(x, keys), labels);
  const examples = labels.map((label, i) => ({
    x: rowOf(x, i).slice(),
    label,
    key: keys[i],
    targets: [],
    kept: new Float32Array(PIXELS),
    margin: clean[i],
    cleanMargin: clean[i],
  }));
  const begun = await beginSquares(victim, examples, stream, {
    ...all,
    settings: { ...settings, stopWhenBroken: true },
  });
  const alone = async (of: (key: Key) => Key) => {
    const searches = examples.map((example) => ({
      x: example.x,
      label: example.label,
      key: of(fold(example.key, stream)),
      best: example.x.slice(),
      margin: example.cleanMargin,
    }));
    await searchSquares(victim, searches, x.shape, { ...settings, stopWhenBroken: true }, span);
    return searches.map(({ margin }) => margin);
  };
  const [once, again] = [await alone((key) => key), await alone((key) => fold(key, -1))];
  expect(begun.map(({ margin }) => margin)).toEqual(
    once.map((margin, i) => (margin > 0 ? margin : Math.max(margin, again[i]))),
  );
  expect(begun.map(({ margin }) => margin)).not.toEqual(once);
  const climbed = examples.map((example, i) => ({ ...example, margin: clean[i] / 1000 }));
  const single = await beginSquares(victim, climbed, stream, {
    ...all,
    settings: { ...settings, stopWhenBroken: true },
  });
  expect(single.map(({ margin }) => margin)).toEqual(once);
});
