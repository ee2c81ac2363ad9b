// Runs in a browser, see webgpu-web.long.test.ts: WebGPU and WebAssembly train and attack the same network.
import type { Runtime } from "../src/runtime/runtime.ts";
import { webRuntime } from "../src/runtime/web.ts";
import { attacked, scenario, wide, worst } from "./device-scenario.ts";

/** What the page has found; the test says what it should be. */
export interface Found {
  /** Why there was nothing to find. */
  readonly skipped?: string;
  readonly target: Runtime["target"];
  /** Programs that the GPU ran for training and for the attack. */
  readonly dispatches: { readonly training: number; readonly attack: number };
  readonly training: { readonly arrays: number; readonly worst: ReturnType<typeof worst> };
  readonly attack: {
    /** Loss of each picture before the attack, and after it: on WebGPU, and on the CPU of what it found itself. */
    readonly before: readonly number[];
    readonly after: readonly number[];
    readonly afterOnCpu: readonly number[];
    /** Mean distance of a pixel from the one that the CPU found, over ε. */
    readonly apart: number;
  };
}

type Pass = { dispatchWorkgroups(...sizes: number[]): void };
const browser = globalThis as unknown as {
  readonly navigator: { readonly gpu?: { requestAdapter(): Promise<object | null> } };
  readonly GPUComputePassEncoder: { readonly prototype: Pass };
};

const post = (path: string, body: string) => fetch(path, { method: "POST", body });

/** What `work` gives, and how many programs the GPU ran for it: ONNX Runtime would not say that it used the CPU. */
async function counted<T>(work: () => Promise<T>): Promise<readonly [T, number]> {
  const { prototype } = browser.GPUComputePassEncoder;
  const { dispatchWorkgroups } = prototype;
  let count = 0;
  prototype.dispatchWorkgroups = function (...sizes) {
    count++;
    dispatchWorkgroups.apply(this, sizes);
  };
  try {
    return [await work(), count];
  } finally {
    prototype.dispatchWorkgroups = dispatchWorkgroups;
  }
}

async function found(epsilon: number): Promise<Found | Pick<Found, "skipped">> {
  if (!(await browser.navigator.gpu?.requestAdapter()))
    return { skipped: "this Chromium has no WebGPU" };
  await post("/at", "starting WebGPU");
  const webgpu = await webRuntime({ device: "webgpu" });
  await post("/at", "training on WebGPU");
  const [trained, training] = await counted(() => scenario(webgpu, wide));
  await post("/at", "attacking on WebGPU");
  const [{ adversarial, before, after }, attack] = await counted(() =>
    attacked(webgpu, wide, epsilon),
  );
  await post("/at", "the same on the CPU");
  const cpu = await webRuntime();
  const expected = await attacked(cpu, wide, epsilon);
  const apart = adversarial.data.reduce(
    (sum, pixel, i) => sum + Math.abs(pixel - expected.adversarial.data[i]),
    0,
  );
  return {
    target: webgpu.target,
    dispatches: { training, attack },
    training: {
      arrays: Object.keys(trained).length,
      worst: worst(trained, await scenario(cpu, wide)),
    },
    attack: {
      before: [...before],
      after: [...after],
      afterOnCpu: [...expected.after],
      apart: apart / (epsilon * adversarial.data.length),
    },
  };
}

const result = await found(0.1).catch((error: unknown) => ({
  failed: String(error instanceof Error ? error.stack : error),
}));
await post("/result", JSON.stringify(result));
