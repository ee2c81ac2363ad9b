import type { Lowered } from "../graph/lowered.ts";
import type { Value } from "../graph/value.ts";
import { lowerBlocked } from "../lowering/blocked/blocked.ts";
import { type BreakEven, usualBreakEven } from "../lowering/blocked/cost.ts";
import { lowerPlain } from "../lowering/plain/plain.ts";
import { lowerWebgpu } from "../lowering/webgpu/webgpu.ts";

/** Rewrites a graph of source operators into operators of the engine. */
export interface Lowering {
  readonly name: string;
  lower(outputs: Readonly<Record<string, Value>>): Record<string, Lowered>;
  /** Whether what does not change from run to run becomes a program of its own. */
  readonly prepares: boolean;
}

/** Standard operators, which every engine runs. */
export const plainLowering: Lowering = { name: "plain", lower: lowerPlain, prepares: false };

/** Standard operators that WebGPU's provider has. */
export const webgpuLowering: Lowering = { name: "webgpu", lower: lowerWebgpu, prepares: false };

/** Blocks of `block` channels (see `lowering/blocked.ts`), and Winograd where it wins; its name has both. */
export const blockedLowering = (block: number, breakEven = usualBreakEven): Lowering => ({
  name: blockedName(block, breakEven),
  lower: (outputs) => lowerBlocked(outputs, block, breakEven),
  prepares: true,
});

/** `blocked-16`, or `blocked-16-w96-192` where the break-even is not the usual one: 96 channels for images, 192 for weights. */
function blockedName(block: number, { images, weights }: BreakEven): string {
  const usual = images === usualBreakEven.images && weights === usualBreakEven.weights;
  return usual ? `blocked-${block}` : `blocked-${block}-w${images}-${weights}`;
}

/** The lowering of a name that `blockedLowering` has given for blocks of this size; undefined of any other name. */
export function blockedNamed(name: string, block: number): Lowering | undefined {
  const found = /^blocked-(\d+)(?:-w([1-9]\d*)-([1-9]\d*))?$/.exec(name);
  if (found === null || Number(found[1]) !== block) return undefined;
  const [images, weights] = found.slice(2).map(Number);
  return found[2] === undefined
    ? blockedLowering(block)
    : blockedLowering(block, { images, weights });
}
