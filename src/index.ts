// The public interface: names, nothing else. What needs a platform is in `rampart/node` and `rampart/web`.

/** The library that schemas of options are written in; a plug-in does not need its own copy. */
export { z } from "zod";
export type {
  AttackDefinition,
  AttackKind,
  BoundedDefinition,
  BoundedSpecification,
  MinimalDefinition,
  MinimalSpecification,
} from "./attacks/attack-definition.ts";
export { type Ball, balls } from "./attacks/balls.ts";
export { cw } from "./attacks/cw.ts";
export { defineAttack } from "./attacks/define-attack.ts";
export { pgd } from "./attacks/pgd.ts";
export { changedPixels, projectPixels } from "./attacks/pixels.ts";
export {
  type AttackOptions,
  attackNamed,
  attackNames,
  attacks,
  type MinimalAttackOptions,
  minimalAttackNamed,
  minimalAttackNames,
} from "./attacks/table.ts";
export type {
  Attack,
  AttackNorm,
  BoundedAttack,
  CallHints,
  Labels,
  Loss,
  LossAndGradient,
  MinimalAttack,
  Minimized,
  NextCall,
  Norm,
  Victim,
} from "./attacks/victim.ts";
export type { AuditResult } from "./audit/result.ts";
export type { RadiusRow } from "./audit/smallest/radius-row.ts";
export type { SearchEvent } from "./audit/smallest/searched-audit.ts";
export type { SmallestRadii } from "./audit/smallest/smallest.ts";
export type { Convergence } from "./audit/timed/convergence.ts";
export { lowerBound, signTest, smallestCount } from "./certify/binomial.ts";
export { type Certificate, certificateOf, certifiedNoises } from "./certify/certificates.ts";
export { type CertifiedImage, certify as certifyImage } from "./certify/certify.ts";
export { mixImageRadius, mixRadius } from "./certify/mixture-radii.ts";
export type { Sampling } from "./certify/noisy-images.ts";
export { type Prediction, predict as predictImage } from "./certify/predict.ts";
export {
  type CertifiedNorm,
  expLinf,
  inAllNorms,
  laplaceL1,
  normalL2,
  type Radii,
  uniformL1,
  uniformL2,
  uniformLinf,
} from "./certify/radii.ts";
export type { CertificateRow } from "./certify/row.ts";
export { type CertifiedShare, certifiedShares } from "./certify/share.ts";
export type { SmoothedClassifier } from "./certify/smoothed.ts";
export type { DataFiles } from "./data/data-files.ts";
export type { Dataset, Split } from "./data/dataset.ts";
export type { DatasetContents } from "./data/dataset-contents.ts";
export {
  type DatasetDefinition,
  type DatasetSpecification,
  defineDataset,
} from "./data/define-dataset.ts";
export { imageDataset, type LabelledImages } from "./data/image-dataset.ts";
export {
  type ImageSource,
  type ImageTensorOptions,
  imageTensor,
  type PageCanvas,
  type PagePixels,
} from "./data/image-tensor.ts";
export { datasets } from "./data/table.ts";
export { type Warmup, warmupShare } from "./defenses/bound-training.ts";
export {
  type DefenseContext,
  type DefenseDefinition,
  type DefenseSpecification,
  defineDefense,
} from "./defenses/define-defense.ts";
export {
  type BatchGradients,
  type BatchLoss,
  type BatchShape,
  type InitialParameter,
  type LossInputs,
  type LossObjective,
  type NetworkPass,
  type Objective,
  requireExamples,
  type TrainingBatch,
  type TrainingProgress,
} from "./defenses/objective.ts";
export { type Defense, defenseNamed, defenseNames, defenses } from "./defenses/table.ts";
export { withEot } from "./defenses/with-eot.ts";
export { withNoise } from "./defenses/with-noise.ts";
export { gradient } from "./engine/autodiff/gradient.ts";
export { interpret } from "./engine/graph/interpret.ts";
export * as ops from "./engine/graph/ops.ts";
export type { Value } from "./engine/graph/value.ts";
export type { Program, Runtime, RuntimeTarget as Target } from "./engine/runtime/runtime.ts";
export type { Row } from "./evaluate/row.ts";
export { memoryStorage, type Storage, type StorageLease } from "./files/storage/storage.ts";
export { audit } from "./library/audit.ts";
export { certify, predict } from "./library/certify.ts";
export { compare } from "./library/compare.ts";
export { evaluate } from "./library/evaluate.ts";
export { importModel } from "./library/import-model.ts";
export type {
  AuditOptions,
  CertifyOptions,
  CompareOptions,
  DataValue,
  EvaluateOptions,
  ImportOptions,
  InStorage,
  ModelBytes,
  OnDevice,
  ReportOptions,
  TrainOptions,
} from "./library/options.ts";
export { report } from "./library/report.ts";
export type { RowsSource } from "./library/rows-source.ts";
export { train } from "./library/train.ts";
export { ce } from "./losses/ce.ts";
export {
  defineLoss,
  type LossSpecification,
  type OwnLossDefinition,
} from "./losses/define-loss.ts";
export { difference } from "./losses/difference.ts";
export { dlr } from "./losses/dlr.ts";
export { dlrTargeted } from "./losses/dlr-targeted.ts";
export { linear } from "./losses/linear.ts";
export { margin } from "./losses/margin.ts";
export type { LossData, OwnLoss } from "./losses/own-loss.ts";
export { type ProbabilityMargin, probabilityMargin } from "./losses/probability-margin.ts";
export { losses } from "./losses/table.ts";
export type { Note, NoteCode } from "./math/note.ts";
export { fold, foldAll, type Key, keyOf, keysFor } from "./math/random.ts";
export { type NdArray, type Shape, type Tensor, tensor } from "./math/tensor.ts";
export { UsageError } from "./math/usage-error.ts";
export {
  type Architecture,
  type InputSpec,
  type Parameters,
  parameterCount,
} from "./models/architecture.ts";
export { architecture, architectures } from "./models/architectures.ts";
export { type Classifier, type ClassifierOptions, classifier } from "./models/classifier.ts";
export {
  type ArchitectureDefinition,
  type ArchitectureSpecification,
  defineArchitecture,
  type NetworkSpecification,
} from "./models/define-architecture.ts";
export { exportOnnx, importExported, type ModelMetadata as Card } from "./models/export.ts";
export {
  batchNormSpecs,
  convWeight,
  initialParameters,
  linearSpecs,
} from "./models/initial.ts";
export * as layers from "./models/layers.ts";
export type { OpenModel } from "./models/opening/open-model.ts";
export {
  trainableClassifier,
  trainableClassifier as liveClassifier,
} from "./models/trainable-classifier.ts";
export {
  defineNoise,
  type NoiseDefinition,
  type NoiseSpecification,
} from "./noise/define-noise.ts";
export type { Noise } from "./noise/noise.ts";
export { noiseNamed, noises } from "./noise/table.ts";
export { ratioByCounting } from "./paper/theory/monte-carlo.ts";
export { type Order, type TheoryRow, table1, theoryRow } from "./paper/theory/table1.ts";
export { use } from "./plugins/use.ts";
export type { TrainEvent } from "./train/events.ts";
export type { ValidationRow, Verdict } from "./train/validation-record.ts";
export type * from "./types.ts";
