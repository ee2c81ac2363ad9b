import { withMaxBatch } from "../attacks/max-batch.ts";
import type { Victim } from "../attacks/victim.ts";
import type { Dataset } from "../data/dataset.ts";
import { firstImages } from "../evaluate/batch.ts";
import { stoppable } from "../evaluate/evaluated-model.ts";
import type { Architecture } from "../models/architecture.ts";
import { type BatchDependence, batchDependence, oneByOne } from "../models/batch-dependence.ts";
import { type Classifier, classifier } from "../models/classifier.ts";
import { compareDecisions, type Decisions } from "../models/decisions.ts";
import type { ImportedOptions } from "../models/imported-network.ts";
import type { AuditRequest } from "./audit-request.ts";
import type { AuditedModel } from "./open-audited.ts";
import type { AuditOptions } from "./options.ts";
import { probedRadii } from "./options.ts";
import {
  type Compare,
  comparePreprocessings,
  compareSaturation,
  type PreprocessingComparison,
  type SaturationComparison,
} from "./preprocessings.ts";
import { type Probe, probe } from "./probe.ts";

/** The number of images on which common preprocessings are compared with the declared one. */
const PREPROCESSED = 64;
/** The number of images on which the file's decisions are compared with the decisions of the scores before its output. */
const COMPARED = 256;

/**
 * The compiled network of an audit, and the measurements of diagnostics on it, at most `batch` images at once. If the scores
 * of an image depend on the others in its batch, every image runs alone.
 */
export class AuditedNetwork {
  /** How scores depend on the batch; null if they do not. */
  readonly dependence: BatchDependence | null;
  /** The network that is attacked. */
  readonly network: Classifier;
  readonly #audited: AuditedModel;
  readonly #audit: AuditRequest;
  readonly #options: AuditOptions;

  private constructor(
    audited: AuditedModel,
    audit: AuditRequest,
    options: AuditOptions,
    dependence: BatchDependence | null,
  ) {
    this.#audited = audited;
    this.#audit = audit;
    this.#options = options;
    this.dependence = dependence;
    const { architecture, parameters } = audited.model;
    this.network = classifier(audit.runtime, this.#alone(architecture), parameters);
  }

  /** Compiles the network, after a check on the first test images whether scores depend on the batch. */
  static async open(
    audited: AuditedModel,
    audit: AuditRequest,
    options: AuditOptions,
  ): Promise<AuditedNetwork> {
    const { model, dataset } = audited;
    const dependence = await batchDependence(audit.runtime, model.architecture, {
      ...firstImages(dataset.test),
      size: options.batch,
    });
    return new AuditedNetwork(audited, audit, options, dependence);
  }

  get #dataset(): Dataset {
    return this.#audited.dataset;
  }

  #alone(architecture: Architecture): Architecture {
    return this.dependence === null ? architecture : oneByOne(architecture);
  }

  #stoppable(victim: Victim): Victim {
    return stoppable(withMaxBatch(victim, this.#options.batch), this.#audit.signal);
  }

  /** The network that is attacked, for at most `batch` images at once; it throws once the audit is aborted. */
  get victim(): Victim {
    return this.#stoppable(this.network);
  }

  /** The network, imported with other options. The caller releases it. */
  async #copy(changed: ImportedOptions): Promise<Classifier> {
    const { architecture, parameters } = await this.#audited.reopen(changed);
    return classifier(this.#audit.runtime, this.#alone(architecture), parameters);
  }

  /** Probes gradients and attacks on at most `images` images. A network with zero gradients is compared with a copy that has straight-through ones. */
  async probe(images: number): Promise<Probe> {
    const { seed, examples } = this.#options;
    const notes = this.#audited.model.notes ?? [];
    const hasZeroGradient = notes.some(({ code }) => code === "zero-gradient");
    const copy = hasZeroGradient ? await this.#copy({ straightThrough: true }) : null;
    try {
      return await probe(this.victim, this.#dataset.test, {
        seed,
        radii: probedRadii(this.#options),
        examples: Math.min(examples, images),
        copy: copy && this.#stoppable(copy),
      });
    } finally {
      await copy?.release();
    }
  }

  /** Compares common preprocessings with the declared one; null if that is good enough, or if the model states its own. */
  comparePreprocessings(): Promise<PreprocessingComparison | null> {
    return this.#withOthers(comparePreprocessings);
  }

  /** Finds why logits are far apart on nearly all images; null if they are not, or the model states its preprocessing. */
  compareSaturation(): Promise<SaturationComparison | null> {
    return this.#withOthers(compareSaturation);
  }

  /** Compares the declared preprocessing with common ones; null if the model states its preprocessing. */
  async #withOthers<T>(compare: Compare<T>): Promise<T | null> {
    if (this.#audited.model.reading === undefined) return null;
    const { batch } = this.#options;
    const { test, shape } = this.#dataset;
    const open = async (usual: ImportedOptions) => {
      const copy = await this.#copy(usual);
      return { ...withMaxBatch(copy, batch), release: () => copy.release() };
    };
    return compare(withMaxBatch(this.network, batch), open, test, {
      count: PREPROCESSED,
      channels: shape[0],
      signal: this.#audit.signal,
    });
  }

  /** Compares the file's decisions with the decisions of the scores before its output; null if no operator was removed. */
  compareDecisions(): Promise<Decisions | null> {
    const { batch, examples } = this.#options;
    const { test } = this.#dataset;
    const count = Math.min(examples, COMPARED, test.size);
    const images = test.images(Array.from({ length: count }, (_, i) => i));
    const size = this.dependence === null ? batch : 1;
    return compareDecisions(this.#audit.runtime, this.#audited.model.architecture, images, size);
  }

  release(): Promise<void> {
    return this.network.release();
  }
}
