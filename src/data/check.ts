import type { Note } from "../math/note.ts";
import type { Dataset, Split } from "./dataset.ts";
import type { ChannelStatistics } from "./splits.ts";
import { findDataset } from "./table.ts";

/** Counts of one split. */
export interface SplitReport {
  readonly size: number;
  /** Number of examples of each class, in the order of the classes. */
  readonly perClass: readonly number[];
}

/** Findings of `data check` about a data set that could be read. Unreadable data is an error instead. */
export interface DataReport extends ChannelStatistics {
  readonly name: string;
  readonly shape: readonly number[];
  readonly classes: readonly string[];
  readonly train: SplitReport;
  readonly test: SplitReport;
  /** Unusual findings. None of them prevents training. */
  readonly notes: readonly Note[];
}

function splitReport({ size, labels }: Split, classes: number): SplitReport {
  const perClass: number[] = Array(classes).fill(0);
  for (let i = 0; i < size; i++) perClass[labels[i]]++;
  return { size, perClass };
}

/** Mean and standard deviation of each channel over a whole split, read in batches of 1000 images. */
function statisticsOf({ size, images }: Split, channels: number): ChannelStatistics {
  const [sum, square] = [new Float64Array(channels), new Float64Array(channels)];
  let n = 0;
  for (let from = 0; from < size; from += 1000) {
    const indices = Array.from({ length: Math.min(1000, size - from) }, (_, i) => from + i);
    const { data } = images(indices);
    const area = data.length / (indices.length * channels);
    for (let start = 0, plane = 0; start < data.length; start += area, plane++)
      for (let i = start; i < start + area; i++) {
        sum[plane % channels] += data[i];
        square[plane % channels] += data[i] * data[i];
      }
    n += indices.length * area;
  }
  const mean = Array.from(sum, (s) => s / n);
  return { mean, std: mean.map((m, c) => Math.sqrt(Math.max(0, square[c] / n - m * m))) };
}

const differs = (a: readonly number[], b: readonly number[], tolerance: number) =>
  a.some((value, i) => Math.abs(value - b[i]) > tolerance);

/** Counts every example of a data set and computes its channel statistics. Compares both with the official values, if any. */
export function checkDataset({
  name,
  shape,
  classes,
  mean,
  std,
  train,
  test,
}: Dataset): DataReport {
  const official = findDataset(name)?.perClass;
  const pixels = statisticsOf(train, shape[0]);
  const reports = {
    train: splitReport(train, classes.length),
    test: splitReport(test, classes.length),
  };
  const notes: Note[] = [];
  for (const split of ["train", "test"] as const) {
    const { perClass } = reports[split];
    const expected = official?.[split];
    const empty = classes.filter((_, label) => perClass[label] === 0);
    if (expected !== undefined && expected.join() !== perClass.join())
      notes.push({
        code: "class-counts",
        text: `${split} differs from the official files in its number of examples per class`,
      });
    if (empty.length > 0)
      notes.push({ code: "empty-class", text: `${split} has no example of ${empty.join(", ")}` });
  }
  if (
    official !== undefined &&
    (differs(pixels.mean, mean, 1e-3) || differs(pixels.std, std, 1e-3))
  )
    notes.push({
      code: "unusual-pixels",
      text: "the pixels differ from the official ones in mean or standard deviation",
    });
  if (train === test)
    notes.push({
      code: "no-split",
      text: "training and test images are the same: the data set is not split",
    });
  return { name, shape, classes, ...pixels, ...reports, notes };
}
