import { describe, expect, it } from "vitest";
import { keyOf, keysFor, pgd, type Tensor, tensor, type Victim } from "../../index.ts";
import { watchedAttack } from "./watched-attack.ts";

/** Two classes: the sum of the pixels against 1, with the gradient of the cross-entropy up to its size. */
const victim: Victim = {
  async logits(x) {
    const sum = x.data.reduce((a, b) => a + b, 0);
    return tensor([1, 2], [sum, 1]);
  },
  async lossAndGradient(x) {
    const logits = await this.logits(x, []);
    return {
      losses: Float32Array.of(0),
      logits,
      gradient: tensor(
        x.shape,
        x.data.map(() => -1),
      ),
    };
  },
};

const x = tensor([1, 1, 2, 2], [0.5, 0.5, 0.5, 0.5]);
const steps = { steps: 4, stepSize: 0.05, randomStart: false, stopWhenBroken: false };
const attack = pgd({ norm: "linf", epsilon: 0.2, ...steps });
const run = (asked: Victim): Promise<Tensor> =>
  attack.perturb(asked, x, [0], keysFor(keyOf(0), [0]));

/** All points that a watched attack asks about, and its result. */
async function watched() {
  const one = watchedAttack(victim, run);
  const points: number[] = [];
  for (;;) {
    const { value, done } = await one.next();
    const at = value.x;
    if (done) return { points, result: at };
    points.push(Number(at.data[0].toFixed(4)));
  }
}

describe("a watched attack", () => {
  it("shows each question, and then the result that it has unwatched", async () => {
    const { points, result } = await watched();
    expect(points.slice(0, 4)).toEqual([0.5, 0.45, 0.4, 0.35]);
    expect([...result.data]).toEqual([...(await run(victim)).data]);
  });

  it("asks nothing before the first call, and one question per call", async () => {
    let asked = 0;
    const counting: Victim = {
      logits: (images, keys) => victim.logits(images, keys),
      lossAndGradient(images, loss, keys) {
        asked++;
        return victim.lossAndGradient(images, loss, keys);
      },
    };
    const one = watchedAttack(counting, run);
    expect(asked).toBe(0);
    await one.next();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(asked).toBe(1);
    await one.next();
    expect(asked).toBe(2);
  });

  it("shows the network's answer to each question, and none to the result", async () => {
    const one = watchedAttack(victim, run);
    const first = await one.next();
    expect(Array.from(first.value.logits?.data ?? [])).toEqual([2, 1]);
    const last = await one.finish();
    expect(last.value.logits).toBeNull();
  });

  it("runs to the end without showing anything, with the same result", async () => {
    const one = watchedAttack(victim, run);
    await one.next();
    const { value, done } = await one.finish();
    expect(done).toBe(true);
    expect([...value.x.data]).toEqual([...(await run(victim)).data]);
  });

  it("ends when it is stopped: the call in wait is rejected, and so is a later one", async () => {
    const one = watchedAttack(victim, run);
    await one.next();
    one.stop();
    await expect(one.next()).rejects.toMatchObject({ name: "AbortError" });
  });

  it("passes on an error of the network", async () => {
    const broken: Victim = {
      logits: () => Promise.reject(new Error("no network")),
      lossAndGradient: () => Promise.reject(new Error("no network")),
    };
    await expect(watchedAttack(broken, run).next()).rejects.toThrow("no network");
  });
});
