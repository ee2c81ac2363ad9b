import { expect, it } from "vitest";
import { rowWith } from "../../../test/fixtures/rows-fixture.ts";
import { IMAGES, keys, victim, x } from "../../../test/fixtures/ten-images.ts";
import { memoryStorage } from "../../files/storage/storage.ts";
import { argmaxRows } from "../../math/tensor.ts";
import { AuditOptions } from "../options.ts";
import type { Convergence } from "./convergence.ts";
import { CONVERGENCE, convergenceText, storedConvergence, withBall } from "./stored-convergence.ts";
import { TimeIsUp, untilOver } from "./time-is-up.ts";
import { type KeptConvergence, timedAttacks } from "./timed-attacks.ts";
import { exceededNote, probedImages } from "./timed-audit.ts";

/** One minute for three small balls, by a clock that goes on by a second with each question: 16 seconds for a ball. */
function clocked(kept?: KeptConvergence) {
  const options = AuditOptions.parse({
    minutes: 1,
    norms: ["linf"],
    epsilonLinf: [0.0001, 0.0002, 0.0003],
  });
  const clock = { seconds: 0 };
  const request = { images: IMAGES, noise: null, shared: false };
  const timed = timedAttacks(options, request, () => 1000 * clock.seconds++, kept);
  if (timed === null) throw new Error("the audit is not timed");
  const attack = async (ball: number) => {
    const labels = argmaxRows(await victim.logits(x, keys));
    const [from, one] = [clock.seconds, timed.attacks.get("adaptive-linf")?.[ball]];
    if (one === undefined || one.epsilon === null) throw new Error("the ball has no attack");
    await one.perturb(victim, x, labels, keys);
    return clock.seconds - from;
  };
  return { timed, clock, attack };
}

it("the clock starts before the pass over the clean images, which counts", async () => {
  const { timed, clock, attack } = clocked();
  timed.start();
  clock.seconds += 12;
  expect(await attack(0)).toBeLessThanOrEqual(5);
  expect(await attack(1)).toBeGreaterThan(12);
  expect(await attack(1)).toBeLessThan(5);
});

it("a resumed audit gives no time to balls that are finished", async () => {
  const { timed, attack } = clocked();
  timed.start();
  const alone = await attack(2);
  expect(alone).toBeGreaterThan(12);
  expect(alone).toBeLessThanOrEqual(17);
});

it("searches share out the time up to nine tenths of it", () => {
  const { timed, clock } = clocked();
  timed.start();
  clock.seconds = 24;
  const [first, second] = timed.searchLimits(2);
  clock.seconds = 38;
  expect([first(), second()]).toEqual([false, false]);
  clock.seconds = 42;
  expect([first(), second()]).toEqual([true, false]);
  clock.seconds = 54;
  expect(second()).toBe(true);
  clock.seconds = 70;
  expect(timed.searchLimits(1)[0]()).toBe(true);
  expect(exceededNote(timed, 1)?.code).toBe("time-budget");
});

it("a probe looks at the images for which time is left, at least eight", () => {
  const { timed, clock } = clocked();
  // 10 ms per pass, and 140 passes per image at two radii: 1.4 seconds.
  const rows = [rowWith({ queries: 100, seconds: 1 })];
  timed.start();
  expect(probedImages(null, rows, 2)).toBe(32);
  clock.seconds = 31;
  expect(probedImages(timed, rows, 2)).toBe(20);
  clock.seconds = 55;
  expect(probedImages(timed, rows, 2)).toBe(8);
  expect(probedImages(timed, [rowWith({ queries: 0, seconds: 0 })], 2)).toBe(32);
});

it("a network whose time is up throws before it is asked", async () => {
  let over = false;
  const limited = untilOver(victim, () => over);
  expect(await limited.logits(x, keys)).toEqual(await victim.logits(x, keys));
  over = true;
  await expect(limited.logits(x, keys)).rejects.toBeInstanceOf(TimeIsUp);
});

const ball = (epsilon: number, right = 8): Convergence => ({
  norm: "linf",
  epsilon,
  attacked: right,
  right,
  finished: true,
  falling: 0,
  autoattack: { mean: 0.5, low: 0.4, high: 0.6 },
});

it("what is stored of each ball comes back, and only for as many images", async () => {
  const out = memoryStorage("audit");
  expect(await storedConvergence(out, 10)).toEqual([]);
  await out.write(CONVERGENCE, convergenceText(10, [ball(0.1), ball(0.2)]));
  expect(await storedConvergence(out, 10)).toEqual([ball(0.1), ball(0.2)]);
  await expect(storedConvergence(out, 12)).rejects.toMatchObject({ code: "misfit" });
  await out.write(CONVERGENCE, "{}");
  await expect(storedConvergence(out, 10)).rejects.toMatchObject({ code: "bad-file" });
});

it("each ball is stored once: its whole attack, not the rest of one whose rows were cut", async () => {
  const stored: number[][] = [];
  const store = async (balls: readonly Convergence[]) => {
    stored.push(balls.map(({ epsilon }) => epsilon));
  };
  const { timed, attack } = clocked({ before: [ball(0.0001, 99)], store });
  await attack(0);
  await attack(1);
  expect(stored).toEqual([[0.0001], [0.0001, 0.0002]]);
  expect(timed.convergence.map(({ right }) => right)).toEqual([99, IMAGES]);
  expect(withBall([ball(0.1, 3)], ball(0.1, 8))).toEqual([ball(0.1, 8)]);
});
