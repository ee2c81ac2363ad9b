import { readFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { z } from "zod";
import { dataFound } from "../data/node.ts";
import { version } from "../files/node.ts";
import { UsageError } from "../math/usage-error.ts";
import { command } from "./kit/command.ts";
import { DataDir } from "./kit/options.ts";

const interesting = ["avx2", "fma", "avx512f", "avx512_vnni", "amx_tile", "asimd", "sve"];

/** What the CPU can do, as far as the system tells: Linux lists it, others do not. */
function cpuFeatures(): string[] {
  try {
    const [, flags = ""] = /^(?:flags|Features)\s*:(.*)$/m.exec(
      readFileSync("/proc/cpuinfo", "utf8"),
    ) ?? [""];
    return interesting.filter((feature) => flags.split(" ").includes(feature));
  } catch {
    return [];
  }
}

/** The engine and what it offers, or why it cannot be loaded: then doctor is the one command that still runs. */
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
    const why = intelMac
      ? "it has no binary for darwin/x64 (Macs with an Intel processor); use another machine or the browser"
      : (error as Error).message;
    return { runtime: null, problem: `onnxruntime-node cannot be loaded: ${why}` };
  }
}

/** `rampart doctor`: what a report about this machine needs, and what is missing on it. */
export const doctorCommand = command({
  summary: "Show what this machine offers: runtime, CPU, block size, data sets found.",
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
    if (found.runtime === null) throw new UsageError(found.problem);
    const { runtime, providers, otherProviders, blockSize } = found;
    line("runtime", runtime);
    line(
      "providers",
      `${providers.join(", ")}; with libraries of yours ${otherProviders.join(", ")}`,
    );
    line("used", "cpu; webgpu and cuda by --device, see docs/gpu.md");
    line("block size", blockSize === null ? "none: plain layout" : `${blockSize} channels`);
  },
});
