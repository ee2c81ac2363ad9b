// The worker of the lab: all computing happens here, so the page stays quick. Methods are called through Comlink.
import { proxy } from "comlink";
import type { Preprocessing } from "../../data/preprocessing.ts";
import { attacks, importModel, type Runtime, z } from "../../index.ts";
import type {
  Answer,
  AttackFacts,
  AttackSettings,
  DroppedModel,
  ImageFile,
  ModelFacts,
  Opened,
  Picture,
  Prediction,
  Reading,
  ReadingField,
  RuntimeFacts,
} from "../protocol.ts";
import { answer } from "./answers.ts";
import { AttackRun } from "./attack-run.ts";
import { openDropped, parsedOnnx, readingFields } from "./dropped.ts";
import { shapesPictures } from "./examples.ts";
import { layersOf } from "./layers.ts";
import { Network } from "./network.ts";
import { userPictures } from "./user-images.ts";

// The page forbids code from strings, which zod would otherwise try to compile.
z.config({ jitless: true });

/** Threads that the lab asks for; more gain little on images of a few pixels. */
const MAX_THREADS = 4;

const isIsolated = (): boolean => globalThis.crossOriginIsolated === true;

/** Starts a runtime with so many threads. */
export type StartLab = (threads: number) => Promise<Runtime>;

/** What the page calls. */
export class Lab {
  readonly #startRuntime: StartLab;
  #runtime: Promise<Runtime> | undefined;
  #network: Network | undefined;
  #sizing: Preprocessing = {};

  constructor(startRuntime: StartLab) {
    this.#startRuntime = startRuntime;
  }

  #start(): Promise<Runtime> {
    const threads = isIsolated() ? Math.min(MAX_THREADS, navigator.hardwareConcurrency) : 1;
    this.#runtime ??= this.#startRuntime(threads);
    return this.#runtime;
  }

  /** Starts WebAssembly, once. */
  start(): Promise<Answer<RuntimeFacts>> {
    return answer(async () => {
      const { target } = await this.#start();
      return {
        device: target.device,
        threads: target.threads,
        isolated: isIsolated(),
        engine: target.engine,
      };
    });
  }

  async #take(network: Network, sizing: Preprocessing): Promise<ModelFacts> {
    await this.#network?.release();
    this.#network = network;
    this.#sizing = sizing;
    return network.facts;
  }

  /** Opens a network that the lab ships, at an address of this site. */
  openShipped(name: string, address: string): Promise<Answer<ModelFacts>> {
    return answer(async () => {
      const response = await fetch(address);
      if (!response.ok) throw new Error(`${address}: the server answers ${response.status}`);
      const bytes = new Uint8Array(await response.arrayBuffer());
      const device = await this.#start();
      return this.#take(new Network(device, await importModel(bytes, { device, name })), {});
    });
  }

  /** The fields of the form for a dropped model. */
  readingFields(): ReadingField[] {
    return readingFields();
  }

  /** Opens a dropped model. The one before stays open if that fails. */
  async openDropped(dropped: DroppedModel, reading: Reading): Promise<Opened> {
    const opened = await answer(async () => {
      const device = await this.#start();
      const { model, names, sizing, preprocessing } = await openDropped(device, dropped, reading);
      const network = new Network(device, model, { names, preprocessing });
      return this.#take(network, sizing);
    });
    const model = "value" in opened ? opened.value : null;
    const problem = "problem" in opened ? opened.problem : null;
    const layers = await answer(() =>
      layersOf(parsedOnnx(dropped).model, model?.shape ?? [], model !== null),
    );
    return { model, problem, layers: "value" in layers ? layers.value : [] };
  }

  /** Image files in the size of the open model. */
  pictures(files: readonly ImageFile[]): Promise<Answer<Picture[]>> {
    return answer(() => userPictures(files, this.#opened().facts, this.#sizing));
  }

  /** The first images of `shapes`, which are drawn here. */
  shapes(count: number): Answer<Picture[]> | Promise<Answer<Picture[]>> {
    return answer(() => shapesPictures(count));
  }

  /** The attacks of the library. */
  attacks(): AttackFacts[] {
    return attacks.all.map(({ name, norms, summary, source, kind }) => ({
      name,
      norms,
      summary,
      source,
      bounded: kind === "bounded",
    }));
  }

  /** What the open model makes of an image. */
  predict(picture: Picture): Promise<Answer<Prediction>> {
    return answer(async () => {
      const network = this.#opened();
      return network.predict(network.imagesOf(picture));
    });
  }

  #opened(): Network {
    if (this.#network === undefined) throw new Error("no model is open");
    return this.#network;
  }

  /** Starts an attack on an image of the open model. The caller asks it for frame after frame. */
  attack(settings: AttackSettings, picture: Picture): AttackRun {
    return proxy(new AttackRun(() => this.#opened(), settings, picture));
  }
}
