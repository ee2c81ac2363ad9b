// The worker of the lab: all computing happens here, so the page stays quick. Methods are called through Comlink.
import { proxy } from "comlink";
import { attacks, type Runtime, z } from "../../index.ts";
import type {
  Answer,
  AttackFacts,
  AttackSettings,
  ModelFacts,
  Picture,
  Prediction,
  RuntimeFacts,
} from "../protocol.ts";
import { answer } from "./answers.ts";
import { AttackRun } from "./attack-run.ts";
import { shapesPictures } from "./examples.ts";
import { Network } from "./network.ts";

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

  async #open(name: string, bytes: Uint8Array): Promise<ModelFacts> {
    const next = await Network.open(await this.#start(), name, bytes);
    await this.#network?.release();
    this.#network = next;
    return next.facts;
  }

  /** Opens a network that the lab ships, at an address of this site. */
  openShipped(name: string, address: string): Promise<Answer<ModelFacts>> {
    return answer(async () => {
      const response = await fetch(address);
      if (!response.ok) throw new Error(`${address}: the server answers ${response.status}`);
      return this.#open(name, new Uint8Array(await response.arrayBuffer()));
    });
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
