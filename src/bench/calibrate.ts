// `rampart bench --calibrate`: measures which convolution algorithm is faster on this machine, for later runs.

import { dirname } from "node:path";
import { calibrateNode } from "../engine/runtime/node.ts";
import { makeFolder, writeWhole, writing } from "../files/node.ts";
import { UsageError } from "../math/usage-error.ts";

/** Operations in words. */
const WORK = { images: "convolution", weights: "its gradient by weights" } as const;

/** Sinks of results: lines for people, records for programs. */
interface Output {
  print(...lines: string[]): void;
  emit(record: object): void;
}

/** Measures direct and Winograd convolutions, prints the timings, and stores the break-even for this user's runtimes. */
export async function calibrateMachine(
  device: string,
  threads: number | undefined,
  { print, emit }: Output,
): Promise<void> {
  if (device !== "cpu")
    throw new UsageError(
      `there is nothing to calibrate on device ${device}; leave --device or --calibrate out`,
      { code: "bad-option" },
    );
  const found = await calibrateNode(threads === undefined ? {} : { threads });
  if (found === null)
    throw new UsageError(
      "there is nothing to calibrate, since ONNX Runtime has no blocked convolutions for this processor; run without --calibrate",
      { code: "unavailable" },
    );
  const { breakEven, timings, path, text } = found;
  const ms = (seconds: number) => `${(1000 * seconds).toFixed(1)} ms`;
  for (const { operation, channels, direct, winograd } of timings) {
    emit({
      calibrated: operation === "images" ? "pictures" : operation,
      channels,
      direct,
      winograd,
    });
    print(
      `${WORK[operation].padEnd(24)} ${String(channels).padStart(3)} channels  direct ${ms(direct)}, Winograd ${ms(winograd)}`,
    );
  }
  await writing(path, makeFolder(dirname(path)));
  await writeWhole(path, text);
  emit({
    calibrated: "break-even",
    pictures: breakEven.images,
    weights: breakEven.weights,
    path,
  });
  print(
    `Winograd from ${breakEven.images} channels on, for weights from ${breakEven.weights}; stored in ${path}, remove it to undo`,
  );
}
