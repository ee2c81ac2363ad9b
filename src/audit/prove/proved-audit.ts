import type { Dataset, Split } from "../../data/dataset.ts";
import { pixelsChecksum, StatedImages } from "../../data/image-checksum.ts";
import { graphBytes } from "../../engine/graph/fingerprint.ts";
import type { Runtime } from "../../engine/runtime/runtime.ts";
import type { ImageRange } from "../../evaluate/image-range.ts";
import { weightsHash } from "../../evaluate/model-record.ts";
import type { Host } from "../../files/host/host.ts";
import type { RowsFormat } from "../../files/rows/rows-file.ts";
import { settingsRecord } from "../../files/rows/settings-record.ts";
import { openedJson } from "../../files/sealed.ts";
import type { Storage } from "../../files/storage/storage.ts";
import type { OnNote } from "../../math/note.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { Classifier } from "../../models/classifier.ts";
import type { OpenModel } from "../../models/opening/open-model.ts";
import { type ProofRow, parseProofs } from "../../verify/proof-row.ts";
import { graphOf } from "../../verify/prover.ts";
import type { AuditOptions } from "../options.ts";

/** The inputs of an audit's proofs and certificates. */
export interface ProvedAudit {
  readonly model: OpenModel;
  readonly dataset: Dataset;
  readonly options: AuditOptions;
  /** The audited network, without noise. */
  readonly network: Classifier;
  /** The runtime target of `network`. */
  readonly target: Runtime["target"];
  /** The runtime that computes bounds. */
  readonly bounds: Pick<Runtime, "compile" | "target">;
  /** The test images: by default the first ones. */
  readonly range: ImageRange;
  /** Whether rows state the seconds that proofs took. */
  readonly timed: boolean;
  /** The attacks of the audit in their order. */
  readonly attacks: readonly string[];
  readonly host: Host;
  readonly out: Storage | undefined;
  readonly resume: boolean;
  readonly note: OnNote;
  readonly signal: AbortSignal | undefined;
  readonly command: string | undefined;
}

/** The targets of the network and of its bounds, for the rows. */
export const proofRuntime = ({ target, bounds }: ProvedAudit): Record<string, unknown> => ({
  network: { ...target },
  bounds: { ...bounds.target },
});

/** The checksum of a test image's pixels. */
export const imageChecksum = (test: Split, index: number): string =>
  pixelsChecksum(test.images([index]));

/** The settings that a proof depends on, besides its image and its ball. */
async function comparedSettings(audit: ProvedAudit): Promise<Readonly<Record<string, unknown>>> {
  const { model, dataset, options, host } = audit;
  const { logits } = graphOf(model.architecture, model.parameters);
  return {
    model: model.weights ?? (await weightsHash(model.parameters, host)),
    network: (await host.sha256(graphBytes(logits))).slice(0, 16),
    reading: model.reading ?? {},
    data: dataset.name,
    proveSeconds: options.proveSeconds,
    noise: options.noise ?? null,
    runtime: proofRuntime(audit),
  };
}

/** Settings that files of earlier versions do not state. */
const ADDED: ReadonlySet<string> = new Set(["network", "noise"]);

/** The storage format of proofs. Rows of one file share the network, its runtime, the images and the time limit. */
export async function proofFormat(audit: ProvedAudit): Promise<RowsFormat<ProofRow>> {
  const compared = await comparedSettings(audit);
  const images = new StatedImages(audit.dataset.test);
  const settings = Object.assign({ kind: "proofs" }, settingsRecord(audit, compared));
  return {
    settings,
    parse: (file, contents) =>
      parseProofs(file, contents, (row, what) => images.require(row, what)),
    checkSettings({ file, text, rows }) {
      const before = openedJson(file, text, "choose another --out").compared;
      const stored = (before ?? {}) as Readonly<Record<string, unknown>>;
      const differs = Object.keys(compared).find(
        (key) =>
          !(ADDED.has(key) && !(key in stored)) &&
          JSON.stringify(compared[key]) !== JSON.stringify(stored[key]),
      );
      if (differs === undefined) return;
      throw new UsageError(
        `${rows} holds proofs with ${differs} ${JSON.stringify(stored[differs] ?? null)}, but this audit has ${JSON.stringify(compared[differs])}`,
        { code: "misfit", next: "use the stored settings, or choose another --out" },
      );
    },
  };
}
