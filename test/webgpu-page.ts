// Runs in a browser, see webgpu-web.long.test.ts: a runtime on WebGPU compares a convolution, its gradients, a product and
// a loss with the interpreter when it is made.
import { UsageError } from "../src/math/usage-error.ts";
import { webRuntime } from "../src/runtime/web.ts";

async function result(): Promise<object> {
  try {
    return (await webRuntime({ device: "webgpu" })).target;
  } catch (error) {
    if (error instanceof UsageError) return { skipped: error.message };
    return { failed: String(error instanceof Error ? error.stack : error) };
  }
}

await fetch("/result", { method: "POST", body: JSON.stringify(await result()) });
