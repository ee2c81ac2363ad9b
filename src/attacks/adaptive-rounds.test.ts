import { describe, expect, it } from "vitest";
import { indices } from "../../test/fixtures/ten-images.ts";
import { partsOf, roundsOf, SQUARES, squareSpans, timedRound } from "./adaptive-rounds.ts";

describe("rounds", () => {
  it("have parts that share the steps, with fewer ascents in each", () => {
    const [first, second] = roundsOf(100, "linf");
    expect(partsOf(first, "linf", 0.1).map(({ span, ascents }) => [span, ascents])).toEqual([
      [{ from: 0, to: 30 }, 1],
    ]);
    expect(partsOf(second, "l2", 0.1).map(({ span, ascents }) => [span, ascents])).toEqual([
      [{ from: 0, to: 15 }, 9],
      [{ from: 16, to: 30 }, 3],
      [{ from: 31, to: 45 }, 2],
      [{ from: 46, to: 60 }, 1],
    ]);
  });

  it("are in ℓ1 the three stages of APGD, of which the last is in the ball itself", () => {
    const parts = partsOf(roundsOf(100, "l1")[1], "l1", 2);
    expect(parts.map(({ stage, ascents }) => [stage.epsilon, stage.steps, ascents])).toEqual([
      [6, 18, 5],
      [4, 18, 2],
      [2, 24, 1],
    ]);
  });

  it("that go on from the best point stay in the ball itself", () => {
    const best = roundsOf(100, "l1").filter(({ start }) => start === "best");
    expect(best.map((round) => partsOf(round, "l1", 2).map(({ stage }) => stage))).toEqual(
      best.map(({ steps }) => [{ epsilon: 2, steps, last: true }]),
    );
    expect(best.map(({ loss }) => loss)).toEqual(["pm", "t"]);
  });

  it("of an attack that ends when its time does go on from new points, in every norm", () => {
    for (const norm of ["linf", "l2", "l1"] as const)
      for (const number of [10, 11, 12, 13]) {
        const round = timedRound(number, norm);
        expect(round).toMatchObject({ steps: 100, start: "random" });
      }
    const named = (number: number) => {
      const round = timedRound(number, "l1");
      return round === SQUARES ? SQUARES : round.loss;
    };
    expect([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(named)).toEqual([
      "pm",
      "pm",
      SQUARES,
      "ce",
      "t",
      "ce",
      "t",
      "pm",
      "t",
      "t",
      "ce",
    ]);
    const isThorough = (number: number, norm: "l1" | "l2") => {
      const round = timedRound(number, norm);
      return round !== SQUARES && round.isThorough === true;
    };
    const numbers = indices(20);
    expect(numbers.filter((number) => isThorough(number, "l1"))).toEqual(numbers.slice(9));
    expect(numbers.filter((number) => isThorough(number, "l2"))).toEqual([]);
  });

  it("of random search cover every query once", () => {
    for (const queries of [1, 7, 500, 5000]) {
      const covered = squareSpans(queries).flatMap(({ span }) =>
        Array.from({ length: Math.max(0, span.to - span.from + 1) }, (_, i) => span.from + i),
      );
      expect(covered).toEqual(indices(queries).map((i) => i + 1));
    }
  });
});
