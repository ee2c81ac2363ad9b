import type { Row } from "../evaluate/row.ts";
import type { RowsFile } from "./evaluation.ts";

/** A row of a deterministic model under PGD-ℓ∞, with what a test changes of it. */
export const rowWith = (changes: Partial<Row>): Row => ({
  ...{ model: "at", defense: "at-linf", data: "toy", index: 0, label: 1 },
  ...{ prediction: 1, adversarialPrediction: 0, attack: "pgd-linf", norm: "linf", epsilon: 0.031 },
  ...{
    objective: "ce",
    eot: 1,
    restarts: 1,
    steps: 20,
    protocol: "sound",
    rule: "single",
    seed: 0,
  },
  ...{ clean: 1, correct: 0, correctChoose: 0, majority: 0, correct8bit: 0, oneDraw: null },
  ...{ linf: 0.031, l2: 1.5, l1: 80, draws: 1, queries: 40, seconds: 0.25 },
  ...changes,
});

/** Four examples: three right when clean, two under each attack, one under both. */
export const fourExamples = (changes: Partial<Row> = {}): Row[] => {
  const linf = [1, 1, 0, 0];
  const l2 = [0, 1, 1, 0];
  const judged = (right: number) => ({
    ...{ correct: right, correctChoose: right, correct8bit: right, majority: right },
    adversarialPrediction: right,
  });
  return [0, 1, 2, 3].flatMap((index) => {
    const clean = { index, clean: index < 3 ? 1 : 0, prediction: index < 3 ? 1 : 0 };
    return [
      rowWith({ ...clean, ...judged(linf[index]), ...changes }),
      rowWith({
        ...clean,
        ...judged(l2[index]),
        ...{ attack: "pgd-l2", norm: "l2", epsilon: 0.83 },
        ...changes,
      }),
    ];
  });
};

/** A file of these rows and nothing beside it. */
export const fileOf = (rows: readonly Row[], more: Partial<RowsFile> = {}): RowsFile => ({
  ...{ file: "rows.jsonl", rows, settings: null, examples: null, notes: [] },
  ...more,
});

/** Settings that `name` may be anything in. */
export const settingsText = (name: string): string =>
  JSON.stringify({
    model: {
      ...{ name, path: `runs/${name}`, defense: name, data: name, architecture: name },
      ...{ weights: name, parameters: 10, noise: name, noiseText: name },
      classNames: [name, name],
      training: [1, 2].map((epoch) => ({
        epoch,
        loss: 1 / epoch,
        trainAccuracy: 0.5,
        testAccuracy: 0.6,
      })),
      config: { [name]: name },
    },
    ...{ data: name, options: { [name]: name, examples: 4 }, machine: { cpu: name }, target: {} },
    ...{ versions: { rampart: name, engine: name }, command: name, started: name },
  });
