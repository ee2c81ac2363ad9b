// Types that the functions of the public interface mention, so that their documentation is complete.
export type {
  BallOptions,
  SharedNames,
  TypedParts,
} from "./attacks/attack-definition.ts";
export type { AnyTypedParts, NamesOf } from "./attacks/shared-options.ts";
export type { BuiltInAttackName } from "./attacks/table.ts";
export type { OnBroken } from "./attacks/victim.ts";
export type { AuditEvent } from "./audit/audit.ts";
export type { Check, CheckOutcome } from "./audit/checks.ts";
export type { AuditClass, Confusion } from "./audit/classes.ts";
export type { Diagnostic, DiagnosticCode, NotRun } from "./audit/diagnostic.ts";
export type { Contradiction } from "./audit/prove/contradiction.ts";
export type { ProveEvent } from "./audit/prove/lower-bounds.ts";
export type { ProofSummary } from "./audit/prove/proof-summary.ts";
export type { AuditAttack, AuditNorm, AuditUnion } from "./audit/result.ts";
export type { CertifyEvent } from "./certify/certification.ts";
export type {
  CertifyOptions as ImageCertifyOptions,
  Component,
  Target as CertifyTarget,
} from "./certify/certify.ts";
export type { MixtureSize } from "./certify/mixture-radii.ts";
export type { CertificationOptions } from "./certify/options.ts";
export type { PredictOptions } from "./certify/predict.ts";
export type { BaseClassifier } from "./certify/votes.ts";
export type { DecodedImage, Image } from "./data/data-files.ts";
export type { HeldOut } from "./data/dataset.ts";
export type { AugmentationName } from "./data/define-dataset.ts";
export type { Download, DownloadSource } from "./data/download-source.ts";
export type { Place as DataPlace } from "./data/find.ts";
export type { FolderOptions } from "./data/folder-options.ts";
export type { ImageTrait } from "./data/image-rules.ts";
export type { FilterName, Margin as CropMargin } from "./data/resize.ts";
export type { Examples as DatasetExamples } from "./data/splits.ts";
export type { MadeDefense } from "./defenses/define-defense.ts";
export type { BuiltInDefenseName } from "./defenses/table.ts";
export type {
  Attributes,
  ConvAttributes,
  NoAttributes,
  Op,
  PoolAttributes,
  ReduceAttributes,
  SliceAttributes,
} from "./engine/graph/value.ts";
export type { TracedValue } from "./engine/onnx/import/graph-importer.ts";
export type {
  CompileOptions,
  DeviceArray,
  DeviceMemory,
  DeviceProgram,
  Feeds,
} from "./engine/runtime/runtime.ts";
export type { Locate } from "./evaluate/evaluated-model.ts";
export type { EvaluateEvent } from "./evaluate/evaluation.ts";
export type { CustomAttacks } from "./evaluate/runs.ts";
export type { TestedData } from "./evaluate/tested-data.ts";
export type { NotFinite } from "./evaluate/watched.ts";
export type { WorkLease } from "./files/lease/lease.ts";
export type { NoteEvent, PluginName } from "./library/file-options.ts";
export type { CrossEntropy } from "./losses/ce.ts";
export type { LossOptions } from "./losses/define-loss.ts";
export type { Difference as DifferenceLoss } from "./losses/difference.ts";
export type { Dlr } from "./losses/dlr.ts";
export type { DlrTargeted } from "./losses/dlr-targeted.ts";
export type { Linear as LinearLoss } from "./losses/linear.ts";
export type { LossDefinition, LossExpression } from "./losses/loss-definition.ts";
export type { Margin as MarginLoss } from "./losses/margin.ts";
export type { MeanLoss } from "./losses/of-mean.ts";
export type { ListedLoss, RowLoss } from "./losses/table.ts";
export type { OnNote } from "./math/note.ts";
export type { OwnInput, OwnOutput } from "./math/own-options.ts";
export type { PluginDefinition } from "./math/plugin.ts";
export type { Named, Registry } from "./math/registry.ts";
export type { Interval } from "./math/statistics.ts";
export type { DType, Storage as ArrayData } from "./math/tensor.ts";
export type { UsageCode, UsageErrorOptions } from "./math/usage-error.ts";
export type { FileAnswers, Forward, Mode, ParameterSpec } from "./models/architecture.ts";
export type { ExportedModel } from "./models/export.ts";
export type { OpenOptions } from "./models/opening/open-onnx.ts";
export type { Parameter as NoiseParameter, ParameterValues } from "./noise/define-noise.ts";
export type { NoiseNamed, NoisePrefetch } from "./noise/noise.ts";
export type { ComparedAccuracy } from "./report/compared.ts";
export type { Comparison, DropDecision, Side as ComparedSide } from "./report/comparison.ts";
export type { Ball as ComparedBall } from "./report/outcomes.ts";
export type { ProvenBall } from "./report/proven-balls.ts";
export type { EpochMetrics } from "./train/metrics.ts";
export type { ProofRow } from "./verify/proof-row.ts";
