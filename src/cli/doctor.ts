import { readFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { z } from "zod";
import { dataFound } from "../data/node.ts";
import { version } from "../files/node.ts";
import { messageOf } from "../math/message-of.ts";
import { UsageError } from "../math/usage-error.ts";
import { command } from "./kit/command.ts";
import { DataDir } from "./kit/options.ts";

const FEATURES = ["avx2", "fma", "avx512f", "avx512_vnni", "amx_tile", "asimd", "sve"];

/** The CPU features that matter for speed; empty on systems other than Linux, which do not list them. */
function cpuFeatures(): string[] {
  try {
    const [, flags = ""] = /^(?:flags|Features)\s*:(.*)$/m.exec(
      readFileSync("/proc/cpuinfo", "utf8"),
    ) ?? [""];
    return FEATURES.filter((feature) => flags.split(" ").includes(feature));
  } catch {
    return [];
  }
}

/** The runtime and its providers, or why it cannot be loaded. Doctor also works on machines without the runtime. */
async function engine() {
  try {
    const { env, listSupportedBackends } = await import("onnxruntime-node");
    const { probeBlockSize } = await import("./block-size.ts");
    const names = (bundled: boolean) =>
      listSupportedBackends()
        .filter((backend) => backend.bundled === bundled)
        .map(({ name }) => name);
    return {
      runtime: `onnxruntime-node ${env.versions.node}`,
      providers: names(true),
      otherProviders: names(false),
      blockSize: await probeBlockSize(),
    };
  } catch (error) {
    const intelMac = process.platform === "darwin" && process.arch === "x64";
    const reason = intelMac
      ? "it has no binary for darwin/x64 (Macs with an Intel processor); use another machine or the browser"
      : messageOf(error);
    return { runtime: null, problem: `onnxruntime-node cannot be loaded: ${reason}` };
  }
}

/** `rampart doctor`: the facts about this machine that a bug report needs. */
export const doctorCommand = command({
  summary: "Show the runtime, CPU, block size and data sets of this machine.",
  options: z.strictObject({ dataDir: DataDir }),
  examples: ["rampart doctor --json"],
  async run({ dataDir }, context) {
    const machine = {
      version,
      platform: `${process.platform}/${process.arch}`,
      node: process.versions.node,
      cpu: cpus()[0]?.model.trim() ?? "unknown",
      features: cpuFeatures(),
      threads: availableParallelism(),
      memoryGiB: Math.round(totalmem() / 2 ** 30),
    };
    const found = await engine();
    const data = await dataFound({ dataDir });
    context.emit({ ...machine, ...found, data });
    const line = (name: string, value: string) => context.print(`${name.padEnd(16)}${value}`);
    line("rampart", machine.version);
    line("platform", `${machine.platform}, Node ${machine.node}`);
    line("cpu", [machine.cpu, ...machine.features].join(", "));
    line("threads", `${machine.threads}, ${machine.memoryGiB} GiB of memory`);
    for (const { name, path } of data) line(name, path ?? "not on this machine");
    if (found.runtime === null) throw new UsageError(found.problem, { code: "unavailable" });
    const { runtime, providers, otherProviders, blockSize } = found;
    line("runtime", runtime);
    line(
      "providers",
      `${providers.join(", ")}; with your own libraries ${otherProviders.join(", ")}`,
    );
    line("used", "cpu; webgpu and cuda with --device, see docs/gpu.md");
    line("block size", blockSize === null ? "none: plain layout" : `${blockSize} channels`);
  },
});
