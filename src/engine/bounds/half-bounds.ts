import type { Crown } from "./crown.ts";
import type { SignedNeuron } from "./domain.ts";
import { boundsWithKeptSlopes } from "./slopes.ts";
import type { RegionState } from "./state.ts";
import { untilStopped } from "./until-stopped.ts";

/**
 * What is known on the part of a state's region where a neuron's input has a sign: the layers behind the neuron are bounded
 * again, with the lower slopes that earlier ascents found best. `isEmpty` says that the part has no point. Once `stop` says
 * so, the other layers keep their bounds.
 */
export async function boundsOfHalf(
  crown: Crown,
  whole: RegionState,
  { relu, element, sign }: SignedNeuron,
  stop: () => boolean,
): Promise<RegionState> {
  const state = whole.part();
  const [input] = relu.inputs;
  const { shape, lower, upper } = state.interval(input);
  const [low, high] = [lower.slice(), upper.slice()];
  if (sign > 0) low[element] = Math.max(low[element], 0);
  else high[element] = Math.min(high[element], 0);
  state.learn(input, { shape, lower: low, upper: high });
  const bounds = untilStopped(stop, (part, node, rows) =>
    boundsWithKeptSlopes(crown, part, node, rows),
  );
  for (const node of crown.plan.order) {
    if (state.isEmpty) break;
    const readers = crown.plan.tightenedFor(node);
    if (readers.length === 0 || !crown.below(node).includes(relu)) continue;
    const elements = state.unstable(node, readers);
    if (elements.length > 0)
      state.learn(node, await crown.tightened(state, node, elements, { bounds }));
  }
  return state;
}
