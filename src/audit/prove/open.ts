import type { Runtime } from "../../engine/runtime/runtime.ts";
import type { ImageRange } from "../../evaluate/image-range.ts";
import { UsageError } from "../../math/usage-error.ts";
import { evaluationOf } from "../../verify/evaluation.ts";
import type { AuditRequest } from "../audit-request.ts";
import type { AuditedNetwork } from "../audited-network.ts";
import type { AuditedModel } from "../open-audited.ts";
import type { AuditOptions } from "../options.ts";
import { searchedNorms } from "../options.ts";
import type { LowerBounds } from "./lower-bounds.ts";
import { NetworkProofs } from "./network-proofs.ts";
import type { ProvedAudit } from "./proved-audit.ts";
import { SmoothedProofs } from "./smoothed-proofs.ts";

/** An audit with proofs or certificates. */
export interface ProvingAudit {
  readonly options: AuditOptions;
  readonly audit: AuditRequest;
  readonly audited: AuditedModel;
  readonly network: AuditedNetwork;
  /** The attacks in their order. */
  readonly attacks: readonly string[];
  /** The noise of a randomised classifier; null for a deterministic classifier. */
  readonly noise: string | null;
  /** The test images; by default the first ones. */
  readonly range?: ImageRange | undefined;
}

/** A runtime whose sums of products have some order of additions, as bounds assume. Throws `UsageError` if there is none. */
async function boundsRuntime({ runtime, startBounds }: AuditRequest): Promise<Runtime> {
  const { lowering } = runtime.target;
  if (lowering === "plain") return runtime;
  if (startBounds !== undefined) return startBounds();
  throw new UsageError(
    `proofs need a runtime with the plain lowering, got ${lowering}; give device: await nodeRuntime({ lowering: "plain" })`,
    { code: "misfit" },
  );
}

/** Opens the part of `--prove`: certificates for a classifier under noise, or else proofs. Throws `UsageError`. */
export async function openLowerBounds(proving: ProvingAudit): Promise<LowerBounds> {
  const { options, audit, audited, network, attacks, noise, range } = proving;
  const { runtime, host, out, resume = false, note = () => undefined, signal, command } = audit;
  const { model, dataset } = audited;
  if (searchedNorms(options).length === 0)
    throw new UsageError(
      "--prove has no proofs in ℓ0; add a norm, such as --norms linf,l0, or leave out --prove",
      { code: "bad-option" },
    );
  if (noise === null) evaluationOf(runtime.target);
  const bounds = noise === null ? await boundsRuntime(audit) : runtime;
  const proved: ProvedAudit = {
    model,
    dataset,
    options,
    network: network.network,
    target: runtime.target,
    bounds,
    range: range ?? { from: 0, to: Math.min(options.examples, dataset.test.size) },
    timed: audit.timed ?? true,
    attacks,
    host,
    out,
    resume,
    note,
    signal,
    command,
  };
  if (noise === null) return NetworkProofs.open(proved);
  if (options.rule.startsWith("mean"))
    throw new UsageError(
      `a certificate is about the class that most draws give, and rule ${options.rule} averages their scores; use --rule single or majority:k with --prove`,
      { code: "misfit" },
    );
  return SmoothedProofs.open(proved, noise);
}
