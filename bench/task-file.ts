// A task as a file, which both sides read: arrays as safetensors, the rest as its metadata.

import { readFile, writeFile } from "node:fs/promises";
import type { Task } from "../src/bench/task.ts";
import { tensor } from "../src/math/tensor.ts";
import { architecture } from "../src/models/architectures.ts";
import { openModelInNode } from "../src/models/opening/node.ts";
import { readSafetensors, writeSafetensors } from "../src/models/opening/safetensors.ts";

/** Writes the task; `name` is what PyTorch knows its network by. */
export async function writeTask(file: string, task: Task, name: string): Promise<void> {
  const { parameters, x, labels, network: _, ...rest } = task;
  const tensors = { ...parameters, "input/x": x, "input/labels": tensor([labels.length], labels) };
  const described = { ...rest, name, imported: task.file !== null };
  await writeFile(
    file,
    await writeSafetensors({ tensors, metadata: { task: JSON.stringify(described) } }),
  );
}

/** The task in a file that `writeTask` wrote. */
export async function readTask(file: string): Promise<Task> {
  const { tensors, metadata } = await readSafetensors(await readFile(file));
  const { name, imported: _, ...rest } = JSON.parse(metadata.task);
  const { "input/x": x, "input/labels": labels, ...parameters } = tensors;
  const network =
    rest.file === null
      ? architecture(name, rest.input)
      : (await openModelInNode(rest.file)).architecture;
  return { ...rest, network, parameters, x, labels: [...labels.data] };
}
