import { createHash } from "node:crypto";
import { appendFile, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { heldOut } from "../data/held-out.ts";
import { openDatasetNode } from "../data/node.ts";
import { type Defense, defenseNamed } from "../defenses/table.ts";
import { contentsKind, otherKind } from "../files/kind.ts";
import { leaseWork, type WorkLease } from "../files/lease/node.ts";
import { machine, orMissing, PARTIAL, version, writeWhole, writing } from "../files/node.ts";
import { readBytes, whileReading } from "../files/read/node.ts";
import type { Shape } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Architecture } from "../models/architecture.ts";
import { exportOnnx, isExported } from "../models/export.ts";
import type { ImportedOptions } from "../models/imported.ts";
import { architecture } from "../models/index.ts";
import { importModel, readModelNode, readOnnxBytes } from "../models/node.ts";
import { noiseNamedNode } from "../noise/node.ts";
import { nodeRuntime } from "../runtime/node.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { latestCheckpoint } from "./checkpoints.ts";
import type { TrainEvent } from "./events.ts";
import { modelOfCheckpoint, modelOfFile, modelOfNetwork, type OpenModel } from "./open-model.ts";
import { refuseOtherOptions, resolveOptions, type TrainOptions } from "./options.ts";
import {
  holdsRun,
  refuseOccupied,
  storedLowering,
  storedOptions,
  writeConfig,
} from "./run-config.ts";
import type { RunFiles } from "./run-files.ts";
import { cardOf, train } from "./train.ts";

/** Takes the folder for this process, or says who has it. */
export const leaseRun = (
  path: string,
  more: {
    readonly note?: ((line: string) => void) | undefined;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<WorkLease> =>
  leaseWork({
    prefix: join(path, "lease"),
    owned: path,
    remedy: "choose another run directory",
    ...more,
  });

/** Files of leases, the present one and that of older versions, which say nothing of a run. */
const isLease = (name: string): boolean => /^(lease\.\d+|lock)$/.test(name);

/** The files of a run in a folder, which is made when the first file is written. */
export const nodeFiles = (path: string): RunFiles => ({
  path,
  list: async (folder) =>
    (await orMissing(readdir(join(path, folder)), [])).filter(
      (name) => !isLease(name) && !name.endsWith(PARTIAL),
    ),
  read: (name) => readBytes(join(path, name)),
  write: (name, contents) => writeWhole(`${path}/${name}`, contents),
  append: (name, text) => writing(`${path}/${name}`, appendFile(join(path, name), text)),
  remove: (name) => rm(join(path, name), { force: true }),
});

/** The files, which are no longer written once another process has taken over. */
const guarded = (files: RunFiles, lease: WorkLease): RunFiles => ({
  ...files,
  async write(name, contents) {
    await lease.check();
    await files.write(name, contents);
  },
  async append(name, text) {
    await lease.check();
    await files.append(name, text);
  },
  async remove(name) {
    await lease.check();
    await files.remove(name);
  },
});

/** Where a run is kept and how it is run; none of it changes its results, except in the last bits. */
export interface NodeTraining {
  readonly out: string;
  readonly resume?: boolean;
  readonly device?: string;
  readonly threads?: number;
  readonly dataDir?: string | undefined;
  readonly signal?: AbortSignal;
  readonly checkpointSeconds?: number;
  /** The command as typed, for the record. */
  readonly command?: string;
  /** Told when the run has to wait, to see whether another process is still at work in its directory. */
  readonly note?: ((line: string) => void) | undefined;
  /** A defence and a network of the caller's own, whose names the options bear; a resumed run needs them again. */
  readonly ownDefense?: Defense;
  readonly ownModel?: Architecture;
  /** Instead of `device` and `threads`. */
  readonly runtime?: Runtime;
}

/** What a killed run left half-written. */
async function removePartials(path: string): Promise<void> {
  for (const folder of [path, join(path, "checkpoints")])
    for (const name of await orMissing(readdir(folder), []))
      if (name.endsWith(PARTIAL) && !name.startsWith("lease.")) await rm(join(folder, name));
}

/**
 * Trains in a run directory: `config.json`, `metrics.jsonl`, `checkpoints/` and, at the end, `model.onnx`. A resumed
 * run takes its options from the directory; those given as well must agree.
 */
export async function* trainNode(
  given: TrainOptions,
  { out, resume = false, dataDir, command, note, signal, checkpointSeconds, ...more }: NodeTraining,
): AsyncGenerator<TrainEvent, void, void> {
  const { ownDefense, ownModel, runtime: ownRuntime, ...hardware } = more;
  const files = nodeFiles(out);
  const goesOn = resume && (await holdsRun(files));
  if (!goesOn) await refuseOccupied(files);
  if (resume && !goesOn && given.defense === undefined)
    throw new UsageError(`${out} holds no run to resume; start one without --resume`);

  const options = goesOn ? await storedOptions(files) : resolveOptions(given);
  if (goesOn) refuseOtherOptions(given, options, out);
  // Everything that can be wrong with the options is found before anything is written.
  const { epsilonLinf, epsilonL2, steps } = options;
  const settings = {
    ...{ epsilonLinf, epsilonL2, steps },
    ...(options.stepSize !== null && { stepSize: options.stepSize }),
    ...(options.noise !== null && { noise: options.noise }),
    ...(options.matChoice !== null && { matChoice: options.matChoice }),
    ...(options.ratNoise !== null && { ratNoise: options.ratNoise }),
  };
  const defense = ownDefense ?? defenseNamed(options.defense, settings, noiseNamedNode);
  const lowering = goesOn ? await storedLowering(files) : undefined;
  const runtime =
    ownRuntime ?? (await nodeRuntime({ ...hardware, ...(lowering !== undefined && { lowering }) }));
  const dataset = heldOut(
    await openDatasetNode(options.data, dataDir === undefined ? {} : { dataDir }),
  );
  const input = { ...dataset, classes: dataset.classes.length };
  const network = ownModel ?? architecture(options.model, input, { dropout: options.dropout });

  const lease = await leaseRun(out, { note, signal });
  try {
    await removePartials(out);
    if (!goesOn) {
      await refuseOccupied(files);
      const record = {
        options,
        model: cardOf(network, dataset, defense),
        attacks: defense.attacks.map(({ name, options: settings }) => ({ name, ...settings })),
        versions: { rampart: version, engine: runtime.target.engine },
        target: runtime.target,
        machine: machine(),
        command: command ?? null,
      };
      await writeConfig(files, record);
    }
    for (const message of dataset.notes ?? []) yield { event: "warning", message };
    yield* train({
      ...{ runtime, architecture: network, dataset, defense, options },
      files: guarded(files, lease),
      ...(signal && { signal }),
      ...(checkpointSeconds !== undefined && { checkpointSeconds }),
      finish: ({ model, state }: Checkpoint) =>
        guarded(files, lease).write("model.onnx", exportOnnx(network, state.parameters, model)),
    });
  } finally {
    await lease.release();
  }
}

/** How a file of somebody else's is to be read, and what checks it. */
export interface OpenOptions extends ImportedOptions {
  readonly runtime?: Runtime;
  /** The network of a run directory whose network is the caller's own. */
  readonly ownModel?: Architecture;
  /** Shape of the pictures that the network will meet, taken where `shape` is not stated; not recorded. */
  readonly pictures?: Shape;
}

/** The bytes of a checkpoint, unless they show that they are of another format. */
function checkpointOnly(path: string, bytes: Uint8Array): Uint8Array {
  if (contentsKind(bytes)?.code === "onnx")
    throw new UsageError(
      `${path} is an ONNX model whose name does not end in .onnx; rename it, and give that name`,
    );
  const needed = "an ONNX model (.onnx) or a checkpoint (.safetensors)";
  const other = otherKind(path, bytes, needed, ["safetensors"]);
  if (other !== undefined) throw new UsageError(other, { code: "bad-file" });
  return bytes;
}

/** A folder that is no run directory, or whose training ended before its first checkpoint. */
async function withoutCheckpoints(path: string): Promise<UsageError> {
  const names = await whileReading(path, readdir(path));
  const networks = names.filter((name) => /\.onnx(\.gz)?$/.test(name)).sort();
  const [first] = networks.includes("model.onnx") ? ["model.onnx"] : networks;
  if (first === undefined)
    return new UsageError(`${path} has no checkpoints; give the --out of a training run`, {
      code: "not-found",
    });
  const others = networks.length === 1 ? "" : ` and ${networks.length - 1} more .onnx`;
  return new UsageError(
    `${path} is a folder without checkpoints, but it holds ${first}${others}; give the file: ${join(path, first)}`,
    { code: "not-found" },
  );
}

/** Opens a run directory (its newest checkpoint), a checkpoint, or any .onnx file, packed by gzip or not. */
export async function openModelNode(
  path: string,
  { runtime, pictures, ownModel, ...reading }: OpenOptions = {},
): Promise<OpenModel> {
  const found = await whileReading(path, orMissing(stat(path), undefined));
  if (found === undefined)
    throw new UsageError(
      `${path}: there is no such run directory or file; give the --out of a training run, a .safetensors or an .onnx file`,
    );
  if (found.isDirectory()) {
    const latest = await latestCheckpoint(nodeFiles(path));
    if (latest === undefined) throw await withoutCheckpoints(path);
    return modelOfCheckpoint(latest.checkpoint, path, `${path}/${latest.name}`, ownModel);
  }
  if (!/\.onnx(\.gz)?$/.test(path))
    return modelOfFile(checkpointOnly(path, await readBytes(path)), path);
  const bytes = await readOnnxBytes(path);
  const model = await readModelNode(path, bytes);
  if (isExported(model.metadata)) return modelOfFile(bytes, path.replace(/\.gz$/, ""));
  const weights = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  const options = { ...(pictures !== undefined && { shape: pictures }), ...reading };
  const opened = modelOfNetwork(
    await importModel(model, path, options, runtime),
    path,
    weights,
    reading,
  );
  const lost = Object.keys(model.metadata).some((key) => key.startsWith("rampart."));
  if (!lost) return opened;
  const note = `${path} has metadata of rampart and does not name its architecture: it was changed since export, and is read as any other ONNX file`;
  return { ...opened, notes: [...(opened.notes ?? []), note] };
}
