// Figure 1 on the user's image: the plane that its ℓ∞ and its ℓ2 attack span, decided cell by cell as the page asks.
import { keyOf, type Tensor, tensor } from "../../index.ts";
import { fold, nameToNumber } from "../../math/random.ts";
import { pointsOf } from "../../paper/plane.ts";
import { decisionsAt, halfWindow, type Slice, sliceThrough } from "../../paper/slice.ts";
import type {
  Answer,
  Picture,
  Point,
  SliceCells,
  SliceFacts,
  SlicePlace,
  SliceSettings,
  SliceWindow,
} from "../protocol.ts";
import { answer } from "./answers.ts";
import { interruptible } from "./interruptible.ts";
import type { Network } from "./network.ts";
import { sizesOf } from "./sizes.ts";

/** A plane that is known. */
interface Begun {
  readonly network: Network;
  readonly x: Tensor;
  readonly slice: Slice;
}

/** The plane of one image. */
export class SliceRun {
  readonly #opened: () => Network;
  readonly #settings: SliceSettings;
  readonly #picture: Picture;
  #begun: Begun | undefined;
  #isStopped = false;

  /** `network` gives the open model when the attacks begin. */
  constructor(network: () => Network, settings: SliceSettings, picture: Picture) {
    this.#opened = network;
    this.#settings = settings;
    this.#picture = picture;
  }

  #victimOf(network: Network) {
    return interruptible(network.victim(this.#settings.eot), () => this.#isStopped);
  }

  get #key() {
    return fold(keyOf(this.#settings.seed), nameToNumber("slice"));
  }

  /** Runs both attacks. */
  facts(): Promise<Answer<SliceFacts>> {
    return answer(async () => {
      const { linf, l2, steps, label } = this.#settings;
      const network = this.#opened();
      const x = network.imagesOf(this.#picture);
      const image = { network: this.#victimOf(network), x, label, radii: { linf, l2 } };
      const slice = await sliceThrough(image, { key: this.#key, steps, restarts: 1 });
      this.#begun = { network, x, slice };
      return {
        settings: this.#settings,
        linf: { at: slice.linf.at, prediction: slice.linf.prediction },
        l2: { at: slice.l2.at, prediction: slice.l2.prediction },
        cosine: slice.cosine,
        section: slice.section,
        half: halfWindow([slice], l2),
      };
    });
  }

  #found(): Begun {
    if (this.#begun === undefined) throw new Error("the plane is not known yet");
    return this.#begun;
  }

  /** Decisions at the centres of `count` cells from cell `from` on, row by row from the bottom. */
  cells(window: SliceWindow, from: number, count: number): Promise<Answer<SliceCells>> {
    return answer(() => {
      const { network, x, slice } = this.#found();
      const key = fold(this.#key, 1);
      const drawn = { network: this.#victimOf(network), x, plane: slice.plane };
      return decisionsAt(drawn, window, { key, from, count });
    });
  }

  /** The image at a point, and the model's prediction for it. */
  at(point: Point): Promise<Answer<SlicePlace>> {
    return answer(async () => {
      const { network, x, slice } = this.#found();
      const { data } = pointsOf(x, slice.plane, [point]);
      const there = tensor(x.shape, data);
      return { pixels: data, answer: await network.predict(there), sizes: sizesOf(there, x) };
    });
  }

  stop(): void {
    this.#isStopped = true;
  }
}
