// A short benchmark of this machine, to estimate the cost of a long run.

import type { Runtime } from "../engine/runtime/runtime.ts";
import { uniform } from "../math/distributions.ts";
import { fold, keyOf, keysFor } from "../math/random.ts";
import type { Architecture } from "../models/architecture.ts";
import { classifier } from "../models/classifier.ts";
import type { FlopsPerImage } from "../models/flops.ts";
import { initialParameters } from "../models/initial.ts";
import { sgd } from "../train/optimizer.ts";
import { compileStep, initialState } from "../train/train-step.ts";
import type { Rates } from "./cost.ts";

/** Floating-point operations per timed gradient, enough for a stable rate. */
const TIMED_FLOPS = 20e9;

/** Seconds of the fastest of three runs, after one run that compiles. */
async function fastest(action: () => Promise<unknown>): Promise<number> {
  await action();
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i++) {
    const start = performance.now();
    await action();
    best = Math.min(best, (performance.now() - start) / 1000);
  }
  return best;
}

/** Measures the rates of an attack's gradient and of a training step on a random batch of 8 to 128 images. */
export async function measureRates(
  runtime: Runtime,
  network: Architecture,
  flops: FlopsPerImage,
): Promise<Rates> {
  const batch = Math.min(128, Math.max(8, Math.round(TIMED_FLOPS / flops.gradient)));
  const keys = keysFor(fold(keyOf(0), 1), [...Array(batch).keys()]);
  const x = uniform(keys, [batch, ...network.inputShape]);
  const labels = keys.map((_, i) => i % network.classes);
  const parameters = initialParameters(network, keyOf(0));
  const victim = classifier(runtime, network, parameters);
  const gradient = await fastest(() => victim.lossAndGradient(x, { kind: "ce", labels }, keys));
  await victim.release();
  const optimizer = sgd({ momentum: 0.9, weightDecay: 5e-4 });
  const program = await compileStep(runtime, network, optimizer, batch);
  const state = initialState(network, optimizer, parameters);
  const step = await fastest(() => program.run(state, { x, labels, keys }, 0.01));
  await program.release();
  return { gradient: (batch * flops.gradient) / gradient, step: (batch * flops.step) / step };
}
