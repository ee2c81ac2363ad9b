import type { Lowered } from "../graph/lowered.ts";
import type { Value } from "../graph/value.ts";
import { lowerBlocked } from "../lowering/blocked/blocked.ts";
import { type BreakEven, defaultBreakEven } from "../lowering/blocked/cost.ts";
import { lowerPlain } from "../lowering/plain/plain.ts";
import { lowerWebgpu } from "../lowering/webgpu/webgpu.ts";

/** Rewrites a graph of source operators into operators of an engine. */
export interface Lowering {
  /** As `RuntimeTarget.lowering` stores it. */
  readonly name: string;
  lower(outputs: Readonly<Record<string, Value>>): Record<string, Lowered>;
  /** Whether values that depend on fixed inputs and constants alone are computed by a separate program. */
  readonly prepares: boolean;
}

/** Standard ONNX operators, which every engine runs. */
export const plainLowering: Lowering = { name: "plain", lower: lowerPlain, prepares: false };

/** The standard operators that the WebGPU provider implements. */
export const webgpuLowering: Lowering = { name: "webgpu", lower: lowerWebgpu, prepares: false };

/** Blocks of `block` channels (see `lowering/blocked/blocked.ts`), and Winograd convolutions from `breakEven` on. */
export const blockedLowering = (block: number, breakEven = defaultBreakEven): Lowering => ({
  name: blockedName(block, breakEven),
  lower: (outputs) => lowerBlocked(outputs, block, breakEven),
  prepares: true,
});

/**
 * `blocked-16` with the default break-even; otherwise a name like `blocked-16-w96-192`: 96 channels for images, 192 for
 * weights.
 */
function blockedName(block: number, { images, weights }: BreakEven): string {
  const isDefault = images === defaultBreakEven.images && weights === defaultBreakEven.weights;
  return isDefault ? `blocked-${block}` : `blocked-${block}-w${images}-${weights}`;
}

const BLOCKED = /^blocked-(\d+)(?:-w([1-9]\d*)-([1-9]\d*))?$/;

/** Inverse of `blockedName` for this block size; undefined for any other name. */
export function blockedNamed(name: string, block: number): Lowering | undefined {
  const breakEven = breakEvenOf(name);
  if (breakEven === null || blockOf(name) !== block) return undefined;
  return blockedLowering(block, breakEven);
}

/** Channels per block of a lowering of this name; 1 if it makes no blocks. */
export const blockOf = (name: string): number => Number(BLOCKED.exec(name)?.[1] ?? 1);

/** From how many channels on a lowering of this name uses Winograd convolutions; null if it never does. */
export function breakEvenOf(name: string): BreakEven | null {
  const match = BLOCKED.exec(name);
  if (match === null) return null;
  if (match[2] === undefined) return defaultBreakEven;
  const [images, weights] = match.slice(2).map(Number);
  return { images, weights };
}
