// The graph that the lab runs at each step of PGD, as a file, to be run without the library.
import { compiler } from "../src/engine/runtime/compiler.ts";
import { plainLowering } from "../src/engine/runtime/lowerings.ts";
import type { Runtime } from "../src/engine/runtime/runtime.ts";
import type { Engine } from "../src/engine/runtime/session.ts";
import { classifier, importModel, keyOf, keysFor, pgd, tensor } from "../src/index.ts";
import { type NdArray, rowSize } from "../src/math/tensor.ts";

/** A graph, the path of its file on a site, and what it is fed. */
export interface GradientGraph {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly feeds: readonly {
    readonly name: string;
    readonly type: string;
    readonly shape: readonly number[];
    readonly data: readonly number[];
  }[];
}

/** Thrown once the graph is known. */
class Recorded extends Error {}

/** The graph of the gradient of a network's cross-entropy for one image, as onnxruntime-web receives it. */
export async function gradientGraph(network: Uint8Array, path: string): Promise<GradientGraph> {
  let bytes = new Uint8Array();
  let feeds: GradientGraph["feeds"] = [];
  const engine: Engine<NdArray> = {
    async open(opened) {
      bytes = Uint8Array.from(opened);
      return {
        inputNames: [],
        run: () => Promise.reject(new Recorded()),
        release: async () => undefined,
      };
    },
    toTensor: (array) => array,
  };
  const compile = compiler(engine, plainLowering);
  const runtime: Runtime = {
    target: { device: "wasm", threads: 1, lowering: plainLowering.name, engine: "recorded" },
    async compile(outputs, options) {
      const program = await compile(outputs, options);
      return {
        run(given) {
          feeds = Object.entries(given).map(([name, array]) => {
            const data = "data" in array ? Array.from(array.data, Number) : [];
            return { name, type: array.dtype, shape: [...array.shape], data };
          });
          return program.run(given);
        },
        release: () => program.release(),
      };
    },
  };
  const { architecture, parameters } = await importModel(network, { device: runtime });
  const victim = classifier(runtime, architecture, parameters);
  const x = tensor([1, ...architecture.inputShape]);
  x.data.fill(0.5, 0, rowSize(x));
  const attack = pgd({ norm: "linf", epsilon: 0.03, steps: 1, randomStart: false });
  await attack.perturb(victim, x, [0], keysFor(keyOf(0), [0])).catch(() => undefined);
  if (feeds.length === 0) throw new Error("the attack asked for no gradient");
  return { path, bytes, feeds };
}
