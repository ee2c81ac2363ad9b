import { availableParallelism, cpus } from "node:os";
import { UsageError } from "../../math/usage-error.ts";
import { type Calibration, calibrate } from "./calibrate.ts";
import { calibrationIn, type Machine, withCalibration } from "./calibrations.ts";
import { chooseBlock } from "./choose-block.ts";
import { compiler } from "./compiler.ts";
import { deviceMemory } from "./device-memory.ts";
import {
  blockedLowering,
  blockedNamed,
  type Lowering,
  plainLowering,
  webgpuLowering,
} from "./lowerings.ts";
import { readCalibrationFile } from "./node-calibration-file.ts";
import { startDevice } from "./node-device.ts";
import { engineName, type NodeDevice, nodeEngine } from "./node-engine.ts";
import { probe } from "./probe.ts";
import { devices, type Program, type Runtime } from "./runtime.ts";
import { sessionProgram } from "./session.ts";

/** The options of `nodeRuntime`. */
export interface NodeRuntimeOptions {
  /** Threads within one operator; by default one per core. */
  readonly threads?: number;
  /** `cpu` by default, `webgpu` or `cuda`. */
  readonly device?: string;
  /**
   * The lowering for the CPU: `plain` for standard operators only, or the lowering of another run's target, if this machine
   * supports it. By default the fastest one that gives right results here, as tuned by `rampart bench --calibrate`.
   */
  readonly lowering?: string;
  /** A folder for ONNX Runtime's profiles, one file per program. A file is complete once its program is released. */
  readonly profile?: string;
}

/** What this machine's CPU and onnxruntime-node support. Constant for the lifetime of the process. */
interface CpuSupport {
  /** Channels per block of the blocked lowering; null if the CPU has none. */
  readonly block: number | null;
  /** Whether sessions can write their outputs into given arrays. */
  readonly writesOutputs: boolean;
}

let cachedSupport: Promise<CpuSupport> | null = null;

function cpuSupport(): Promise<CpuSupport> {
  cachedSupport ??= detectCpuSupport();
  return cachedSupport;
}

async function detectCpuSupport(): Promise<CpuSupport> {
  const block = await chooseBlock(nodeEngine({ threads: 1 }));
  const writesOutputs = await canWriteOutputs();
  return { block, writesOutputs };
}

/** Whether writing into given arrays works with the installed version of onnxruntime-node. */
async function canWriteOutputs(): Promise<boolean> {
  const engine = nodeEngine({ threads: 1, writesOutputs: true });
  try {
    const { program, wrong } = await probe(compiler(engine, plainLowering));
    await program.release();
    return wrong === undefined;
  } catch {
    return false;
  }
}

const thisMachine = (threads: number): Machine => ({
  cpu: cpus()[0]?.model ?? process.arch,
  threads,
  engine: engineName(),
});

/** The lowering named `requested` if this machine supports it, otherwise the fastest one that gives right results. */
async function cpuLowering(threads: number, requested: string | undefined): Promise<Lowering> {
  const { block } = await cpuSupport();
  if (requested === "plain" || block === null) return plainLowering;
  const named = requested === undefined ? undefined : blockedNamed(requested, block);
  if (named !== undefined) return named;
  const { path, text } = readCalibrationFile();
  return blockedLowering(block, calibrationIn(text, path, thisMachine(threads)));
}

function checkThreads(threads: number): void {
  const cores = availableParallelism();
  const limit = Math.max(16, 4 * cores);
  if (!(threads >= 1 && threads <= limit))
    throw new UsageError(
      `threads is ${threads}, but this machine has ${cores} cores; use 1 to ${limit}`,
      { code: "bad-option" },
    );
}

function deviceNamed(name: string): NodeDevice {
  const device = devices.find((known) => known === name);
  if (device === undefined)
    throw new UsageError(`there is no device ${name}; use ${devices.join(", ")}`, {
      code: "unavailable",
    });
  return device;
}

/**
 * Runs graphs with onnxruntime-node on this machine's CPU or GPU. Checks a GPU with a tiny network first. Throws a
 * `UsageError`: `bad-option` for `threads`, `unavailable` for a device that is unknown, missing or wrong.
 */
export async function nodeRuntime(options: NodeRuntimeOptions = {}): Promise<Runtime> {
  const {
    threads = availableParallelism(),
    device: deviceName = "cpu",
    lowering,
    profile,
  } = options;
  checkThreads(threads);
  const device = deviceNamed(deviceName);
  return device === "cpu"
    ? cpuRuntime(threads, lowering, profile)
    : gpuRuntime(device, threads, profile);
}

async function cpuRuntime(
  threads: number,
  requestedLowering: string | undefined,
  profile: string | undefined,
): Promise<Runtime> {
  const { writesOutputs } = await cpuSupport();
  const engine = nodeEngine({ threads, device: "cpu", profile, writesOutputs });
  const lowering = await cpuLowering(threads, requestedLowering);
  return {
    target: { device: "cpu", threads, lowering: lowering.name, engine: engineName() },
    compile: compiler(engine, lowering),
  };
}

async function gpuRuntime(
  device: Exclude<NodeDevice, "cpu">,
  threads: number,
  profile: string | undefined,
): Promise<Runtime> {
  const engine = nodeEngine({ threads, device, profile });
  const lowering = device === "webgpu" ? webgpuLowering : plainLowering;
  const compile = compiler(engine, lowering);
  await startDevice(device, compile);
  return {
    target: { device, threads, lowering: lowering.name, engine: engineName() },
    compile,
    deviceMemory: device === "webgpu" ? deviceMemory(engine, lowering) : undefined,
  };
}

/**
 * Times direct and Winograd convolutions on this machine's CPU, which should be idle, for some seconds. Later runtimes use
 * the result once the caller has written `text` to the file `path`. Null if the CPU has no blocks, and so no choice.
 */
export async function calibrateNode({
  threads = availableParallelism(),
}: Pick<NodeRuntimeOptions, "threads"> = {}): Promise<
  (Calibration & { readonly path: string; readonly text: string }) | null
> {
  const { block, writesOutputs } = await cpuSupport();
  if (block === null) return null;
  const { path, text: oldText } = readCalibrationFile();
  const machine = thisMachine(threads);
  // Rejects a damaged file before the measurement.
  calibrationIn(oldText, path, machine);
  const engine = nodeEngine({ threads, writesOutputs });
  const { breakEven, timings } = await calibrate((tried) =>
    compiler(engine, blockedLowering(block, tried)),
  );
  const text = withCalibration(oldText, path, machine, breakEven);
  return { breakEven, timings, path, text };
}

/** Opens the bytes of any ONNX file as a program whose inputs and outputs have the names in the file. */
export async function nodeProgram(
  bytes: Uint8Array,
  { threads = availableParallelism() }: NodeRuntimeOptions = {},
): Promise<Program> {
  const engine = nodeEngine({ threads });
  return sessionProgram(engine, await engine.open(bytes));
}
