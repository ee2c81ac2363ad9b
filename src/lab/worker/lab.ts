// The worker of the lab: all computing happens here, so the page stays quick. Methods are called through Comlink.
import { proxy } from "comlink";
import type { Preprocessing } from "../../data/preprocessing.ts";
import { attacks, importModel, type Runtime, z } from "../../index.ts";
import type { TheoryRow } from "../../paper/theory/table1.ts";
import type {
  Answer,
  AttackFacts,
  AttackSettings,
  AuditProgress,
  AuditSettings,
  AuditState,
  CertificateSettings,
  Device,
  DroppedModel,
  ImageFile,
  ModelFacts,
  Opened,
  Picture,
  Prediction,
  ProofSettings,
  Reading,
  ReadingField,
  RuntimeFacts,
  SliceSettings,
} from "../protocol.ts";
import { answer } from "./answers.ts";
import { AttackRun } from "./attack-run.ts";
import type { ModelSource } from "./audit-job.ts";
import type { CertificateRun } from "./certificate-run.ts";
import { shapesPictures } from "./examples.ts";
import { Network } from "./network.ts";
import type { ProofRun } from "./proof-run.ts";
import type { SliceRun } from "./slice-run.ts";
import { isIsolated, threadCount } from "./thread-count.ts";

/** Modules that the first attack does not need are loaded when they are needed. */
const later = {
  audit: () => import("./audit-job.ts"),
  certificate: () => import("./certificate-run.ts"),
  dropped: () => import("./dropped.ts"),
  images: () => import("./user-images.ts"),
  layers: () => import("./layers.ts"),
  proof: () => import("./proof-run.ts"),
  slice: () => import("./slice-run.ts"),
  theory: () => import("../../paper/theory/table1.ts"),
  zip: () => import("fflate"),
} as const;

// The page forbids code from strings, which zod would otherwise try to compile.
z.config({ jitless: true });

/** Starts a runtime on a device with this many threads. */
export type StartLab = (device: Device, threads: number) => Promise<Runtime>;

/** The part of the browser that offers WebGPU. */
interface GpuNavigator {
  readonly gpu?: { requestAdapter(): Promise<object | null> };
}

/** What the page calls. */
export class Lab {
  readonly #startRuntime: StartLab;
  readonly #runtimes = new Map<Device, Promise<Runtime>>();
  #threads = 1;
  #device: Device = "cpu";
  #network: Network | undefined;
  #source: ModelSource | undefined;
  #sizing: Preprocessing = {};
  #pause: AbortController | undefined;

  constructor(startRuntime: StartLab) {
    this.#startRuntime = startRuntime;
  }

  #start(device = this.#device): Promise<Runtime> {
    const started = this.#runtimes.get(device) ?? this.#startRuntime(device, this.#threads);
    this.#runtimes.set(device, started);
    return started;
  }

  #factsOf({ target }: Runtime): RuntimeFacts {
    const { device, threads, engine } = target;
    return { device, threads, isolated: isIsolated(), engine };
  }

  /** Starts WebAssembly, once; in an isolated page with this many threads, where 0 means one per core, up to four. */
  start(threads = 0): Promise<Answer<RuntimeFacts>> {
    this.#threads = threadCount(threads);
    return answer(async () => this.#factsOf(await this.#start()));
  }

  /** Whether this browser has a GPU for WebGPU. */
  async hasWebgpu(): Promise<boolean> {
    const { gpu } = navigator as GpuNavigator;
    return ((await gpu?.requestAdapter().catch(() => null)) ?? null) !== null;
  }

  /** Moves the open model to a device, whose files are loaded now. The one before stays in use if that fails. */
  useDevice(device: Device): Promise<Answer<RuntimeFacts>> {
    return answer(async () => {
      const runtime = await this.#start(device).catch((error: unknown) => {
        this.#runtimes.delete(device);
        throw error;
      });
      const [source, open] = [this.#source, this.#network];
      if (source !== undefined && open !== undefined) {
        const { name, bytes, external, reading } = source;
        const model = await importModel(bytes, { device: runtime, name, external, ...reading });
        const parts = Object.assign({}, open.parts, { device: runtime, model });
        await this.#take(new Network(parts), source, this.#sizing);
      }
      this.#device = device;
      return this.#factsOf(runtime);
    });
  }

  async #take(network: Network, source: ModelSource, sizing: Preprocessing): Promise<ModelFacts> {
    await this.#network?.release();
    this.#network = network;
    this.#source = source;
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
      const model = await importModel(bytes, { device, name });
      const network = new Network({ device, model, beside: {}, noise: null });
      return this.#take(network, { name, bytes, external: {}, reading: {} }, {});
    });
  }

  /** The fields of the form for a dropped model. */
  async readingFields(): Promise<ReadingField[]> {
    return (await later.dropped()).readingFields();
  }

  /** Opens a dropped model. The one before stays open if that fails. */
  async openDropped(dropped: DroppedModel, reading: Reading): Promise<Opened> {
    const opened = await answer(async () => {
      const device = await this.#start();
      const { openDropped } = await later.dropped();
      const found = await openDropped(device, dropped, reading);
      const { name, bytes, beside } = dropped;
      const source = { name, bytes, external: beside, reading: found.reading };
      const network = new Network({ device, model: found.model, beside: found, noise: null });
      return this.#take(network, source, found.sizing);
    });
    const model = "value" in opened ? opened.value : null;
    const problem = "problem" in opened ? opened.problem : null;
    const layers = await answer(async () => {
      const [{ layersOf }, { parsedOnnx }] = await Promise.all([later.layers(), later.dropped()]);
      return layersOf(parsedOnnx(dropped).model, model?.shape ?? [], model !== null);
    });
    return { model, problem, layers: "value" in layers ? layers.value : [] };
  }

  /** Adds noise to the open model at every prediction; null for the noise of the model itself. */
  setNoise(noise: string | null): Promise<Answer<ModelFacts>> {
    return answer(() => {
      this.#network = this.#opened().withNoise(noise);
      return this.#network.facts;
    });
  }

  /** Image files in the size of the open model. */
  pictures(files: readonly ImageFile[]): Promise<Answer<Picture[]>> {
    return answer(async () => {
      const { userPictures } = await later.images();
      return userPictures(files, this.#opened().facts, this.#sizing);
    });
  }

  /** The first images of `shapes`, which are drawn here. */
  shapes(count: number): Answer<Picture[]> | Promise<Answer<Picture[]>> {
    return answer(() => shapesPictures(count));
  }

  /** The attacks of the library in the norms that have balls to show. */
  attacks(): AttackFacts[] {
    return attacks.all.flatMap(({ name, norms, summary, source, kind }) => {
      const shown = norms.filter((norm) => norm !== "l0");
      if (shown.length === 0) return [];
      return [{ name, norms: shown, summary, source, bounded: kind === "bounded" }];
    });
  }

  /** The open model's prediction for an image. */
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

  /** The plane through an image of the open model and its attacks. */
  async slice(settings: SliceSettings, picture: Picture): Promise<SliceRun> {
    const { SliceRun } = await later.slice();
    return proxy(new SliceRun(() => this.#opened(), settings, picture));
  }

  /** Starts the certificate of an image under noise. The caller asks for batch after batch. */
  async certificate(settings: CertificateSettings, picture: Picture): Promise<CertificateRun> {
    const { CertificateRun } = await later.certificate();
    return proxy(new CertificateRun(() => this.#opened(), settings, picture));
  }

  /** Starts the proof of an image. The caller asks for radius after radius. */
  async proof(settings: ProofSettings, picture: Picture): Promise<ProofRun> {
    const { ProofRun } = await later.proof();
    return proxy(new ProofRun(() => this.#opened(), settings, picture));
  }

  /** Theorem 1 in a dimension, for ℓ2 and ℓ∞. */
  theory(dimension: number): Promise<Answer<TheoryRow>> {
    return answer(async () => (await later.theory()).theoryRow(dimension));
  }

  /** Stores an audit of the open model on images, which replaces the last audit. `goOnAudit` runs it. */
  newAudit(settings: AuditSettings, pictures: readonly Picture[]): Promise<Answer<null>> {
    return answer(async () => {
      const { classes } = this.#opened().facts;
      const { newAudit } = await later.audit();
      if (this.#source !== undefined) await newAudit(this.#source, classes, settings, pictures);
      return null;
    });
  }

  /** Runs the stored audit until it is done or paused. */
  goOnAudit(onProgress: (progress: AuditProgress) => void): Promise<Answer<AuditState | null>> {
    return answer(async () => {
      const pause = new AbortController();
      this.#pause = pause;
      const { auditState, runAudit } = await later.audit();
      await runAudit(await this.#start(), pause.signal, onProgress);
      return auditState();
    });
  }

  /** Stops the audit after its current step; `goOnAudit` continues it. */
  pauseAudit(): void {
    this.#pause?.abort(new Error("paused"));
  }

  /** The stored audit. */
  auditState(): Promise<Answer<AuditState | null>> {
    return answer(async () => (await later.audit()).auditState());
  }

  discardAudit(): Promise<Answer<void>> {
    return answer(async () => (await later.audit()).discardAudit());
  }

  /** A file of the audit. */
  async auditFile(name: string): Promise<Uint8Array | null> {
    return (await later.audit()).auditFile(name);
  }

  /** All files of the audit as a zip. */
  async auditZip(): Promise<Uint8Array> {
    const [{ auditFile, auditFiles }, { zipSync }] = await Promise.all([
      later.audit(),
      later.zip(),
    ]);
    const files: Record<string, Uint8Array> = {};
    for (const name of await auditFiles())
      files[name] = (await auditFile(name)) ?? new Uint8Array();
    return zipSync(files, { level: 1 });
  }
}
