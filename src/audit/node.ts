// Audits whose model, images and results are files of this machine.
import { join } from "node:path";
import { isSameData, openDatasetInNode } from "../data/node.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { nodeHost } from "../files/host/node.ts";
import { readTextIfThere } from "../files/read/node.ts";
import { nodeStorage } from "../files/storage/node.ts";
import { readOnnxFile } from "../models/node.ts";
import { openModelInNode } from "../models/opening/node.ts";
import { noiseNamedInNode } from "../noise/node.ts";
import { type AuditEvent, auditModel } from "./audit.ts";
import type { AuditSource, NodeAudit } from "./audit-request.ts";
import type { AuditOptions } from "./options.ts";
import type { AuditSharing } from "./sharing.ts";

export type { AuditEvent } from "./audit.ts";
export type { NodeAudit } from "./audit-request.ts";

/** The model at a path, the files beside it, and the data sets of this machine. */
export const nodeSource = (
  path: string,
  { dataDir, runtime }: Pick<NodeAudit, "dataDir" | "runtime">,
): AuditSource => ({
  path,
  onnx: async () => (/\.onnx(\.gz)?$/.test(path) ? readOnnxFile(path) : null),
  openOther: (options) => openModelInNode(path, { ...options, runtime }),
  readText: readTextIfThere,
  isSameData,
  openData: (name, options) => openDatasetInNode(name, { ...options, dataDir }),
});

/** `auditModel` on this machine: `path` is a run directory, a checkpoint or an .onnx file. Throws `UsageError`. */
export async function* auditInNode(
  path: string,
  options: AuditOptions,
  audit: NodeAudit,
  sharing: AuditSharing = {},
): AsyncGenerator<AuditEvent, void, void> {
  const { out, dataDir: _, ...context } = audit;
  const request = {
    ...context,
    source: nodeSource(path, audit),
    host: nodeHost,
    out: out === undefined ? undefined : nodeStorage(join(out, "a").slice(0, -1), out),
    noiseNamed: noiseNamedInNode,
    startBounds: () => nodeRuntime({ threads: audit.runtime.target.threads, lowering: "plain" }),
  };
  yield* auditModel(options, request, sharing);
}
