// An open model, ready to be asked.
import type { OutputNames } from "../../data/classes.ts";
import { withEot } from "../../defenses/with-eot.ts";
import { withNoise } from "../../defenses/with-noise.ts";
import {
  type Classifier,
  classifier,
  keyOf,
  keysFor,
  noiseNamed,
  type OpenModel,
  type Runtime,
  type Tensor,
  tensor,
  UsageError,
  type Victim,
} from "../../index.ts";
import type { ModelFacts, Picture, Prediction, StatedPreprocessing } from "../protocol.ts";
import { inTurn } from "./in-turn.ts";

/** Probabilities of logits, one list per row. */
export function probabilitiesOf({ data, shape: [rows, classes] }: Tensor): number[][] {
  return Array.from({ length: rows }, (_, i) => {
    const row = Array.from(data.subarray(i * classes, (i + 1) * classes));
    const most = Math.max(...row);
    const powers = row.map((logit) => Math.exp(logit - most));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map((power) => power / sum);
  });
}

/** What is known of a model beyond its file. */
export interface Beside {
  readonly names?: OutputNames | null;
  readonly preprocessing?: StatedPreprocessing | null;
}

/** Names of the outputs; their numbers if they have no names. */
function classesOf({ classNames, architecture }: OpenModel, names: OutputNames | null): string[] {
  return Array.from(
    { length: architecture.classes },
    (_, i) => classNames[i] ?? names?.get(i)?.[0] ?? String(i),
  );
}

const factsOf = (
  model: OpenModel,
  { names = null, preprocessing = null }: Beside,
  noise: string | null,
): ModelFacts => ({
  name: model.name,
  shape: model.architecture.inputShape,
  classes: classesOf(model, names),
  noise,
  ownNoise: model.noise,
  defense: model.defense,
  notes: (model.notes ?? []).map(({ text }) => text).concat(model.head ?? []),
  preprocessing,
});

const argmax = (row: readonly number[]): number => row.indexOf(Math.max(...row));

const meanRow = (rows: readonly (readonly number[])[]): number[] =>
  rows[0].map((_, c) => rows.reduce((sum, row) => sum + row[c], 0) / rows.length);

/** What logits say, one row per draw. */
export function predictionOf(logits: Tensor): Prediction {
  const draws = probabilitiesOf(logits);
  const [, classes] = logits.shape;
  const rows = draws.map((_, i) =>
    Array.from(logits.data.subarray(i * classes, (i + 1) * classes)),
  );
  const probabilities = meanRow(draws);
  return { probabilities, logits: meanRow(rows), prediction: argmax(probabilities), draws };
}

/** Draws that show what a randomised model predicts. */
const SHOWN_DRAWS = 32;

/** Seeds of the draws that show predictions; attacks never see them. */
const SHOWN = keyOf(0x5eed);

/** The parts of an open model. */
export interface NetworkParts {
  readonly device: Runtime;
  readonly model: OpenModel;
  readonly beside: Beside;
  /** Noise that the user adds at every prediction; null for that of the model itself. */
  readonly noise: string | null;
}

/** A model with its compiled programs. */
export class Network {
  readonly facts: ModelFacts;
  readonly parts: NetworkParts;
  /** The network without its noise. */
  readonly base: Victim;
  readonly #network: Classifier;
  /** The network with its noise, if it has any. */
  readonly #deployed: Victim;

  /** Throws `UsageError` for a noise that does not exist. `network` is the same model compiled before. */
  constructor(parts: NetworkParts, network?: Classifier) {
    const { device, model, beside, noise } = parts;
    const added = noise ?? model.noise;
    this.parts = parts;
    this.facts = factsOf(model, beside, added);
    this.#network = network ?? classifier(device, model.architecture, model.parameters);
    this.base = inTurn(this.#network);
    this.#deployed = added === null ? this.base : withNoise(this.base, noiseNamed(added));
  }

  /** The same compiled network with another noise. Throws `UsageError` for a noise that does not exist. */
  withNoise(noise: string | null): Network {
    return new Network(Object.assign({}, this.parts, { noise }), this.#network);
  }

  /** What an attack asks: the network itself, or the mean over `draws` draws of its noise. */
  victim(draws: number): Victim {
    return this.facts.noise === null ? this.#deployed : withEot(this.#deployed, draws);
  }

  /** Images [1, ...pixels] of a picture. Throws `UsageError` if its size is not the model's. */
  imagesOf({ pixels, shape, name }: Picture): Tensor {
    const wanted = this.facts.shape;
    if (shape.join() !== wanted.join())
      throw new UsageError(
        `${name} has the shape ${shape.join("×")}, but ${this.facts.name} takes ${wanted.join("×")}`,
        { code: "misfit" },
      );
    return tensor([1, ...shape], pixels);
  }

  /** The model's prediction for images [1, ...pixels], on draws that no attack sees. */
  async predict(x: Tensor): Promise<Prediction> {
    const count = this.facts.noise === null ? 1 : SHOWN_DRAWS;
    const rows = tensor([count, ...x.shape.slice(1)]);
    for (let i = 0; i < count; i++) rows.data.set(x.data, i * x.data.length);
    const places = Array.from({ length: count }, (_, i) => i);
    return predictionOf(await this.#deployed.logits(rows, keysFor(SHOWN, places)));
  }

  /** Frees the compiled programs. */
  release(): Promise<void> {
    return this.#network.release();
  }
}
