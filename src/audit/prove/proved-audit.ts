import type { Dataset } from "../../data/dataset.ts";
import type { Runtime } from "../../engine/runtime/runtime.ts";
import { weightsHash } from "../../evaluate/model-record.ts";
import type { Host } from "../../files/host/host.ts";
import type { RowsFormat } from "../../files/rows/rows-file.ts";
import { openedJson } from "../../files/sealed.ts";
import type { Storage } from "../../files/storage/storage.ts";
import { version } from "../../files/version.ts";
import type { OnNote } from "../../math/note.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { Classifier } from "../../models/classifier.ts";
import type { OpenModel } from "../../models/opening/open-model.ts";
import { type ProofRow, parseProofs } from "../../verify/proof-row.ts";
import type { AuditOptions } from "../options.ts";

/** What proofs and certificates of an audit need. */
export interface ProvedAudit {
  readonly model: OpenModel;
  readonly dataset: Dataset;
  readonly options: AuditOptions;
  /** The audited network, without noise. */
  readonly network: Classifier;
  /** The runtime target of `network`. */
  readonly target: Runtime["target"];
  /** What computes bounds. */
  readonly bounds: Pick<Runtime, "compile" | "target">;
  /** Images: the first ones. */
  readonly total: number;
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

/** How proofs are stored. Rows of one file share the network, its runtime, the images and the time limit. */
export async function proofFormat(audit: ProvedAudit): Promise<RowsFormat<ProofRow>> {
  const { model, dataset, options, host, command } = audit;
  const compared: Readonly<Record<string, unknown>> = {
    model: model.weights ?? (await weightsHash(model.parameters, host)),
    reading: model.reading ?? {},
    data: dataset.name,
    proveSeconds: options.proveSeconds,
    runtime: proofRuntime(audit),
  };
  const { name, path, defense } = model;
  const settings = {
    kind: "proofs",
    model: { name, path, defense },
    compared,
    versions: { rampart: version },
    machine: host.machine(),
    command: command ?? null,
    started: host.now().toISOString(),
  };
  return {
    settings,
    parse: parseProofs,
    checkSettings({ file, text, rows }) {
      const before = openedJson(file, text, "choose another --out").compared;
      const stored = (before ?? {}) as Readonly<Record<string, unknown>>;
      const differs = Object.keys(compared).find(
        (key) => JSON.stringify(compared[key]) !== JSON.stringify(stored[key]),
      );
      if (differs === undefined) return;
      throw new UsageError(
        `${rows} holds proofs with ${differs} ${JSON.stringify(stored[differs] ?? null)}, but this audit has ${JSON.stringify(compared[differs])}`,
        { code: "misfit", next: "use the stored settings, or choose another --out" },
      );
    },
  };
}
