import { describe, expect, it } from "vitest";
import { brightness, brightnessData } from "../../test/fixtures/brightness.ts";
import type { Victim } from "../attacks/victim.ts";
import { argmaxRows, type Tensor } from "../math/tensor.ts";
import { noiseNamed } from "../noise/table.ts";
import { type Scored, scoreAttacks } from "./evaluate.ts";
import { EvaluateOptions } from "./options.ts";
import type { Row } from "./row.ts";
import { rowName } from "./runs.ts";

const data = await brightnessData();

async function scoredOf(
  given: Partial<EvaluateOptions>,
  noise: string | null,
  network: Victim = brightness,
): Promise<Scored[]> {
  const evaluated = {
    model: "m",
    defense: "d",
    network,
    noise: noise === null ? null : noiseNamed(noise),
  };
  const options = EvaluateOptions.parse({ draws: 20, eot: [4], steps: 4, cwSteps: 20, ...given });
  const all: Scored[] = [];
  for await (const one of scoreAttacks(evaluated, data, options)) all.push(one);
  return all;
}
const rowsOf = async (...given: Parameters<typeof scoredOf>): Promise<Row[]> =>
  (await scoredOf(...given)).map(({ row }) => row);

const bare = (rows: readonly Row[]) =>
  rows
    .map(({ seconds: _, queries: __, ...row }) => row)
    .sort((a, b) => rowName(a).localeCompare(rowName(b)));

/** Distance of a test image to the boundary of `brightness`, in ℓ∞; in ℓ2 twice that, since it has four pixels. */
const margin = (index: number) =>
  Math.abs(data.test.images([index]).data.reduce((sum, v) => sum + v, 0) / 4 - 0.5);

describe("the sound protocol", () => {
  it("tries five objectives on a randomised model, and says per row which one won", async () => {
    const attacks = { attacks: ["pgd-linf"], epsilonLinf: [0.1] };
    const worst = await rowsOf(attacks, "normal:0.3");
    const names = [
      "mean-loss",
      "mean-logits",
      "mean-probability",
      "fixed-noise",
      "transfer",
    ] as const;
    for (const { objective } of worst) expect(names).toContain(objective);
    expect(new Set(worst.map(({ objective }) => objective)).size).toBeGreaterThan(1);
    // Alone each candidate ends where it ended among the others: the winner's row is the one it has alone.
    for (const objective of names) {
      const alone = bare(await rowsOf({ ...attacks, objective }, "normal:0.3"));
      const won = bare(worst).filter((row) => row.objective === objective);
      for (const row of won) expect(alone).toContainEqual(row);
    }
  });

  it("transfers from the network without its noise: it is asked inside the ball alone", async () => {
    let asked = 0;
    const network: Victim = {
      ...brightness,
      lossAndGradient(x, loss, keys) {
        asked += keys.length;
        for (let i = 0; i < keys.length; i++)
          for (let pixel = 0; pixel < 4; pixel++) {
            const distance = x.data[4 * i + pixel] - data.test.images([i]).data[pixel];
            expect(Math.abs(distance)).toBeLessThan(0.1 + 1e-6);
          }
        return brightness.lossAndGradient(x, loss, keys);
      },
    };
    const given = { attacks: ["pgd-linf"], epsilonLinf: [0.1], batch: 500 };
    await scoredOf({ ...given, objective: "transfer" }, "uniform:0.9", network);
    expect(asked).toBe(12 * 4);
  });

  it("chooses, scores and attacks on draws that share nothing", async () => {
    const seen = { attacking: new Set<string>(), asked: [] as string[] };
    const network: Victim = {
      logits(x, keys) {
        seen.asked.push(...keys.map(String));
        return brightness.logits(x, keys);
      },
      lossAndGradient(x, loss, keys) {
        for (const key of keys) seen.attacking.add(String(key));
        return brightness.lossAndGradient(x, loss, keys);
      },
    };
    await scoredOf({ attacks: ["pgd-linf"], examples: 3, batch: 500 }, "normal:0.3", network);
    // Asked without a gradient: 20 clean draws; per step 4 draws of mean-logits, whose keys come again with the gradient;
    // 5 candidates on 10 draws to choose; 20 to score, twice (as it is and rounded).
    const passive = seen.asked.filter((key) => !seen.attacking.has(key));
    expect(passive).toHaveLength(3 * (20 + 5 * 10 + 2 * 20));
    expect(new Set(passive).size).toBe(3 * (20 + 10 + 20));
  });

  it("counts the queries of every candidate and of the choice", async () => {
    const [row] = await rowsOf({ attacks: ["pgd-linf"], examples: 1 }, "normal:0.3");
    // 4 steps of 4 draws: four objectives ask forward and backward for each, transfer once per step.
    const steps = 4 * 4;
    expect(row.queries).toBe(4 * 2 * steps + 2 * 4 + 5 * 10);
  });

  it("counts C&W at each radius of one run: broken where the boundary is within it, else clean", async () => {
    const epsilonL2 = [0.1, 0.3, 0.6];
    const all = await scoredOf(
      { attacks: ["cw-l2"], epsilonL2, cwSteps: 100, cwLearningRate: 0.02 },
      null,
    );
    expect(all).toHaveLength(12 * 3);
    for (const { row, adversarial, original } of all) {
      const { index, epsilon, correct, l2, objective } = row;
      expect(objective).toBe("margin");
      const distance = 2 * margin(index);
      // C&W ends a little beyond the boundary.
      if (Math.abs(distance - (epsilon ?? 0)) < 0.03) continue;
      expect(correct, `${distance} at ${epsilon}`).toBe(distance > (epsilon ?? 0) ? 1 : 0);
      if (correct === 1) {
        expect(l2).toBe(0);
        expect(adversarial).toEqual(original);
      } else expect(l2).toBeGreaterThan(distance);
      expect(l2).toBeLessThanOrEqual(epsilon ?? 0);
    }
    const one = all.filter(({ row }) => row.index === 0).map(({ row }) => row.queries);
    expect(new Set(one).size).toBe(1);
  });

  it("does not take the coin toss at C&W's boundary for robustness", async () => {
    const options = { attacks: ["cw-l2"], epsilonL2: [0.8], cwSteps: 50, eot: [16], draws: 100 };
    const rows = (await rowsOf(options, "uniform:0.4")).filter(({ index }) => margin(index) < 0.3);
    expect(rows.length).toBeGreaterThan(5);
    for (const { correct } of rows) expect(correct).toBeLessThan(0.3);
    expect(rows.filter(({ objective }) => objective === "stretched").length).toBeGreaterThan(3);
  });

  it("gives the same rows whatever the batch, C&W and several EOT among them", async () => {
    const options = {
      attacks: ["pgd-l2", "cw-l2", "none"],
      examples: 5,
      eot: [2, 3],
      cwSearches: 3,
    };
    const whole = bare(await rowsOf(options, "uniform:0.3"));
    expect(whole).toHaveLength(5 * (2 + 2 + 1));
    expect(new Set(whole.map(rowName)).size).toBe(whole.length);
    expect(bare(await rowsOf({ ...options, batch: 1 }, "uniform:0.3"))).toEqual(whole);
    expect(bare(await rowsOf({ ...options, batch: 7 }, "uniform:0.3"))).toEqual(whole);
  });
});

describe("the published protocol", () => {
  const published = { protocol: "published" } as const;

  it("scores a randomised model without its noise, and shows one noisy draw beside it", async () => {
    const all = await scoredOf(
      { ...published, attacks: ["pgd-linf", "none"], epsilonLinf: [0.1] },
      "uniform:0.6",
    );
    const noiseless = async (images: Tensor) => argmaxRows(await brightness.logits(images, []))[0];
    for (const { row, original, adversarial } of all) {
      expect(row).toMatchObject({ protocol: "published", draws: 1, rule: "single" });
      expect(row.clean).toBe((await noiseless(original)) === row.label ? 1 : 0);
      expect(row.correct).toBe((await noiseless(adversarial)) === row.label ? 1 : 0);
      expect(row.correctChoose).toBe(row.correct);
      expect([0, 1]).toContain(row.oneDraw);
    }
    // The noise is twice as wide as any margin: one draw errs on some clean image, the network alone on none.
    const clean = all.map(({ row }) => row).filter(({ attack }) => attack === "none");
    expect(clean.every(({ correct }) => correct === 1)).toBe(true);
    expect(new Set(clean.map(({ oneDraw }) => oneDraw))).toEqual(new Set([0, 1]));
    expect(all[0].row.objective).toBe("mean-logits");
  });

  it("has EOT 80 of the logits, and C&W without a bound", async () => {
    const rows = await rowsOf(
      {
        ...published,
        attacks: ["cw-l2"],
        examples: 2,
        eot: undefined,
        cwSearches: 4,
        cwInitialConstant: 1,
      },
      "uniform:0.2",
    );
    expect(rows).toHaveLength(2);
    for (const row of rows) {
      expect(row).toMatchObject({ epsilon: null, eot: 80, objective: "mean-logits", norm: "l2" });
      expect(row.l2).toBeGreaterThan(0);
    }
  });

  it("leaves a deterministic model's PGD as it is, and breaks every image by C&W", async () => {
    const attacks = ["pgd-linf", "cw-l2"];
    const rows = await rowsOf(
      { ...published, attacks, cwLearningRate: 0.05, epsilonL2: [0.01] },
      null,
    );
    const sound = await rowsOf({ attacks: ["pgd-linf"] }, null);
    const same = ({ seconds: _, protocol: __, ...row }: Row) => row;
    expect(rows.filter(({ attack }) => attack === "pgd-linf").map(same)).toEqual(sound.map(same));
    for (const row of rows) {
      expect(row.oneDraw).toBeNull();
      if (row.attack === "cw-l2") expect([row.correct, row.epsilon]).toEqual([0, null]);
    }
  });

  it("leaves an image clean where C&W finds nothing", async () => {
    const options = { ...published, attacks: ["cw-l2"], cwSearches: 1, cwInitialConstant: 1e-9 };
    for (const { row, original, adversarial } of await scoredOf(options, null)) {
      expect(row).toMatchObject({ correct: 1, l2: 0, linf: 0, l1: 0 });
      expect(adversarial).toEqual(original);
    }
  });

  it.each([
    [{ objective: "worst" }, "objective worst is how the sound protocol chooses"],
    [{ rule: "majority:5" }, "rule majority:5 has no meaning with --protocol published"],
  ] as const)("refuses %j", async (options, message) => {
    await expect(rowsOf({ ...published, ...options }, "uniform:0.2")).rejects.toThrow(message);
  });
});
