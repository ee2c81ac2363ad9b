import { expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import { counted } from "../attacks/harness.ts";
import { ce } from "../losses/ce.ts";
import { margin } from "../losses/margin.ts";
import { foldAll, keyOf, keysFor, owned } from "../math/random.ts";
import { takeRows, tensor } from "../math/tensor.ts";
import { rememberingClean } from "./clean-answers.ts";
import { watched } from "./watched.ts";

const x = tensor([3, 2], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
const labels = [0, 1, 0];
const keys = owned(keysFor(keyOf(1), [4, 5, 6]), [4, 5, 6]);

/** A network that remembers its answers at x, and its queries since. */
async function remembering(weights = [1, 2, 3, 4]) {
  const counting = counted(linearVictim(tensor([2, 2], weights), [0, 1]));
  const network = rememberingClean(watched(counting));
  const answer = await network.lossAndGradient(x, margin(labels), keys);
  network.remember(x, labels, keys, answer);
  network.take();
  const before = counting.queries().gradients;
  return { network, answer, asked: () => counting.queries().gradients - before };
}

it("answers about clean images from memory, in any order and under any keys of theirs", async () => {
  const { network, answer, asked } = await remembering();
  const some = [2, 0];
  const found = await network.lossAndGradient(
    takeRows(x, some),
    margin(some.map((i) => labels[i])),
    foldAll(
      some.map((i) => keys[i]),
      7,
    ),
    { clean: true },
  );
  expect(asked()).toBe(0);
  expect([...found.losses]).toEqual(some.map((i) => answer.losses[i]));
  expect(found.logits).toEqual(takeRows(answer.logits, some));
  expect(found.gradient).toEqual(takeRows(answer.gradient, some));
  expect(network.of(4).queries).toBe(0);
});

it("asks the network about other images, labels and losses, and where nobody says that images are clean", async () => {
  const { network, asked } = await remembering();
  const moved = tensor(x.shape, [...x.data.slice(0, 5), 0.7]);
  const clean = { clean: true };
  await network.lossAndGradient(moved, margin(labels), keys, clean);
  await network.lossAndGradient(x, margin([1, 1, 0]), keys, clean);
  await network.lossAndGradient(x, ce(labels), keys, clean);
  await network.lossAndGradient(x, margin(labels), keys);
  const others = owned(keysFor(keyOf(1), [4, 5, 7]), [4, 5, 7]);
  await network.lossAndGradient(x, margin(labels), others, clean);
  expect(asked()).toBe(5 * 3);
});

it("forgets answers that are not finite", async () => {
  const odd = linearVictim(tensor([2, 2], [1, 2, 3, 4]), [0, 1]);
  let calls = 0;
  const network = rememberingClean(
    watched({
      logits: odd.logits,
      async lossAndGradient(...call) {
        calls++;
        const answer = await odd.lossAndGradient(...call);
        answer.gradient.data[0] = Number.NaN;
        return answer;
      },
    }),
  );
  network.remember(x, labels, keys, await network.lossAndGradient(x, margin(labels), keys));
  await network.lossAndGradient(x, margin(labels), keys, { clean: true });
  expect(calls).toBe(2);
});
