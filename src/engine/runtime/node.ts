import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, cpus, homedir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { UsageError } from "../../math/usage-error.ts";
import { type Calibration, calibrate } from "./calibrate.ts";
import { calibrationIn, type Machine, withCalibration } from "./calibrations.ts";
import { chooseBlock } from "./choose-block.ts";
import {
  blockedLowering,
  blockedNamed,
  type Lowering,
  plainLowering,
  webgpuLowering,
} from "./lowerings.ts";
import { probe } from "./probe.ts";
import { devices, type Program, type Runtime } from "./runtime.ts";
import { compiler, type Engine, holding, program, type Session } from "./session.ts";

export interface NodeRuntimeOptions {
  /** Threads within an operator; by default one per core. */
  readonly threads?: number;
  /** Where graphs run: `cpu` by default, `webgpu` or `cuda`. */
  readonly device?: string;
  /**
   * On the CPU, `plain` for standard operators only, or the lowering that the target of another run names, which is taken if this machine
   * has it; by default the fastest one that a probe finds right, as `rampart bench --calibrate` has tuned it.
   */
  readonly lowering?: string;
  /** A folder for ONNX Runtime's profiles, one file per program, which is whole once the program has been released. */
  readonly profile?: string;
}

type Device = (typeof devices)[number];

/** The version of ONNX Runtime that is installed. */
export const engineVersion = (): string => ort.env.versions.node ?? "unknown";

let profiled = 0;

/**
 * The name of an output that is no tensor. onnxruntime-node 1.30 copies each output into fresh memory, even those that it was told
 * where to put, which costs more than many a kernel does; but it refuses one that is no tensor, after the run and before
 * it copies those that come behind.
 */
const SEQUENCE = "sequence";
const REFUSAL = "Non tensor type is temporarily not supported";

interface EngineOptions {
  readonly threads: number;
  readonly device?: Device;
  readonly profile?: string | undefined;
  /** Outputs are written into arrays of ours. */
  readonly writes?: boolean;
}

const engine = ({
  threads,
  device = "cpu",
  profile,
  writes = false,
}: EngineOptions): Engine<ort.Tensor> => ({
  async open(bytes, { held, arena = true } = {}) {
    const stay = new Set(held);
    const session = await ort.InferenceSession.create(bytes, {
      executionProviders: [device],
      graphOptimizationLevel: "all",
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      // A pattern's memory would lie beside that of the first run, which stays: half as much again, and no faster.
      enableMemPattern: false,
      enableCpuMemArena: arena,
      logSeverityLevel: 3,
      ...(profile !== undefined && {
        enableProfiling: true,
        profileFilePrefix: join(profile, `${profiled++}`),
      }),
      ...(stay.size > 0 && {
        preferredOutputLocation: Object.fromEntries(
          [...stay].map((name) => [name, "gpu-buffer" as const]),
        ),
      }),
      // Idle sessions would otherwise spin and take cores from the one that runs.
      extra: { session: { force_spinning_stop: "1" } },
    });
    return writes ? writing(session) : session;
  },
  toTensor: ({ dtype, data, shape }) => new ort.Tensor(dtype, data as Float32Array, shape),
  ...(writes && { sequence: SEQUENCE }),
});

const writing = (session: ort.InferenceSession): Session<ort.Tensor> => ({
  inputNames: session.inputNames,
  run: (feeds) => session.run(feeds),
  async write(feeds, outputs) {
    try {
      await session.run(feeds, { ...outputs, [SEQUENCE]: null });
    } catch (error) {
      if (!firstLine(error).includes(REFUSAL)) throw error;
    }
  },
  release: () => session.release(),
});

/** Whether CUDA's provider has been put beside the library. */
function hasCuda(): boolean {
  const root = join(createRequire(import.meta.url).resolve("onnxruntime-node"), "..", "..");
  const folder = join(root, "bin", "napi-v6", process.platform, process.arch);
  return existsSync(join(folder, "libonnxruntime_providers_cuda.so"));
}

/** The last line of a message about a device. */
const ELSEWHERE = "  use --device cpu, or see docs/gpu.md";

/** What onnxruntime-node lacks for a device, and how to get it; undefined where it has all that it needs. */
function missing(device: Device): readonly string[] | undefined {
  if (!ort.listSupportedBackends().some(({ name }) => name === device))
    return [
      `onnxruntime-node has no such provider for ${process.platform}/${process.arch};`,
      ELSEWHERE,
    ];
  if (device === "cuda" && !hasCuda())
    return [
      "its provider is not installed, since npm does not hold it; where there is a network, get it (for CUDA 12) by",
      "  npm rebuild onnxruntime-node --ignore-scripts=false --foreground-scripts",
      "  or use --device cpu, see docs/gpu.md",
    ];
  return undefined;
}

const firstLine = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0];

const why: { readonly [D in Device]: (error: unknown) => string } = {
  cpu: firstLine,
  webgpu: (error) =>
    /adapter/i.test(String(error))
      ? "there is no GPU that WebGPU can use: it needs a driver for Vulkan (on Linux with libvulkan.so.1), Metal or Direct3D 12"
      : firstLine(error),
  cuda: (error) =>
    `its provider does not start (${firstLine(error)}); it needs an NVIDIA driver, and the libraries of CUDA 12 and cuDNN 9 where the loader finds them (LD_LIBRARY_PATH)`,
};

/** One open session per device: without any, WebGPU's device is closed, and a tensor left on it ends the process. */
const anchors = new Map<Device, Program>();

/** Tries the device, once in a process, before any work begins. */
async function start(device: Device, compile: Runtime["compile"]): Promise<void> {
  const fail = ([what, ...next]: readonly string[]) =>
    new UsageError([`device ${device}: ${what}`, ...next], { code: "unavailable" });
  const absent = missing(device);
  if (absent !== undefined) throw fail(absent);
  if (anchors.has(device)) return;
  // Products in TF32 keep three digits; CUDA's libraries read this when they are loaded.
  if (device === "cuda") process.env.NVIDIA_TF32_OVERRIDE ??= "0";
  const { program, wrong } = await probe(compile).catch((error: unknown) => {
    throw fail([`${why[device](error)};`, ELSEWHERE]);
  });
  if (wrong !== undefined)
    throw fail([`it computes ${wrong} of a small network differently from the CPU;`, ELSEWHERE]);
  anchors.set(device, program);
}

/** Whether `writing` does what it should with the library that is installed. */
async function canWrite(): Promise<boolean> {
  try {
    const { program, wrong } = await probe(
      compiler(engine({ threads: 1, writes: true }), plainLowering),
    );
    await program.release();
    return wrong === undefined;
  } catch {
    return false;
  }
}

let found: Promise<{ readonly block: number | null; readonly writes: boolean }> | null = null;

/** What suits this machine's CPU and its library, which do not change while a process runs. */
function ownMachine() {
  found ??= (async () => ({
    block: await chooseBlock(engine({ threads: 1 })),
    writes: await canWrite(),
  }))();
  return found;
}

const engineName = () => `onnxruntime-node ${engineVersion()}`;

const machineWith = (threads: number): Machine => ({
  cpu: cpus()[0]?.model ?? process.arch,
  threads,
  engine: engineName(),
});

/** Bytes of a file of calibrations; a machine's entry has about 150. */
const MAX_CALIBRATIONS = 2 ** 24;

/** What `rampart bench --calibrate` has found out; machines that share a home share the file. */
function calibrations(): { readonly path: string; readonly text: string | undefined } {
  const path = join(homedir(), ".cache", "rampart", "calibration.json");
  try {
    const found = statSync(path);
    // Opening a pipe would wait for a writer, and a device may never end.
    if (!found.isFile() || found.size > MAX_CALIBRATIONS)
      throw new UsageError(
        `${path} is not what rampart bench --calibrate writes; remove it, and calibrate again`,
        { code: "bad-file" },
      );
    return { path, text: readFileSync(path, "utf8") };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const code = String((error as NodeJS.ErrnoException).code);
    if (["ENOENT", "ENOTDIR"].includes(code)) return { path, text: undefined };
    throw new UsageError(`${path} cannot be read (${code}); make it readable, or remove it`);
  }
}

/** The fastest lowering that is right, or the one that was asked for, where this machine has it. */
async function cpuLowering(threads: number, asked: string | undefined): Promise<Lowering> {
  const { block } = await ownMachine();
  if (asked === "plain" || block === null) return plainLowering;
  const named = asked === undefined ? undefined : blockedNamed(asked, block);
  if (named !== undefined) return named;
  const { path, text } = calibrations();
  return blockedLowering(block, calibrationIn(text, path, machineWith(threads)));
}

/** Graphs run by onnxruntime-node on this machine's CPU or GPU; a GPU is tried first, on a tiny network. */
export async function nodeRuntime({
  threads = availableParallelism(),
  device = "cpu",
  lowering,
  profile,
}: NodeRuntimeOptions = {}): Promise<Runtime> {
  const most = Math.max(16, 4 * availableParallelism());
  if (!(threads >= 1 && threads <= most))
    throw new UsageError(
      `threads is ${threads}, but this machine has ${availableParallelism()} cores; use 1 to ${most}`,
      { code: "bad-option" },
    );
  const known = devices.find((name) => name === device);
  if (known === undefined)
    throw new UsageError(`there is no device ${device}; use ${devices.join(", ")}`, {
      code: "unavailable",
    });
  const writes = known === "cpu" && (await ownMachine()).writes;
  const on = engine({ threads, device: known, profile, writes });
  const others = known === "webgpu" ? webgpuLowering : plainLowering;
  const chosen = known === "cpu" ? await cpuLowering(threads, lowering) : others;
  const compile = compiler(on, chosen);
  if (known !== "cpu") await start(known, compile);
  return {
    target: { device, threads, lowering: chosen.name, engine: engineName() },
    compile,
    ...(known === "webgpu" && { holding: holding(on, chosen) }),
  };
}

/**
 * Times both forms of convolutions on this machine's CPU, which should have nothing else to do, for some seconds; null where it has no
 * blocks, and so no choice. Later runtimes use what was found once `text` is the contents of the file `path`.
 */
export async function calibrateNode({
  threads = availableParallelism(),
}: Pick<NodeRuntimeOptions, "threads"> = {}): Promise<
  (Calibration & { readonly path: string; readonly text: string }) | null
> {
  const { block, writes } = await ownMachine();
  if (block === null) return null;
  const { path, text } = calibrations();
  // Before anything is measured: a file that is no calibration is refused here.
  calibrationIn(text, path, machineWith(threads));
  const on = engine({ threads, writes });
  const found = await calibrate((breakEven) => compiler(on, blockedLowering(block, breakEven)));
  const more = withCalibration(text, path, machineWith(threads), found.breakEven);
  return { ...found, path, text: more };
}

/** The bytes of any ONNX file as a program, whose inputs and outputs have the file's names. */
export async function nodeProgram(
  bytes: Uint8Array,
  { threads = availableParallelism() }: NodeRuntimeOptions = {},
): Promise<Program> {
  const on = engine({ threads });
  return program(on, await on.open(bytes));
}
