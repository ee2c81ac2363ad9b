import type { Note } from "../math/note.ts";
import type { Dataset, Split } from "./dataset.ts";
import type { ChannelStatistics } from "./splits.ts";

/** What a look at every example of a split gives. */
export interface SplitReport {
  readonly size: number;
  /** Number of examples of each class, in the order of the classes. */
  readonly perClass: readonly number[];
}

/** What `data check` says of a data set that could be read; what cannot be read is an error. */
export interface DataReport extends ChannelStatistics {
  readonly name: string;
  readonly shape: readonly number[];
  readonly classes: readonly string[];
  readonly train: SplitReport;
  readonly test: SplitReport;
  /** What is unusual; none of it stops training. */
  readonly notes: readonly Note[];
}

/** Examples of each class in the official data sets, [train, test]; CIFAR-10's are equal. */
const official: Readonly<Record<string, readonly [readonly number[], readonly number[]]>> = {
  cifar10: [Array(10).fill(5000), Array(10).fill(1000)],
  cifar100: [Array(100).fill(500), Array(100).fill(100)],
  "fashion-mnist": [Array(10).fill(6000), Array(10).fill(1000)],
  mnist: [
    [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
    [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
  ],
};

function splitReport({ size, labels }: Split, classes: number): SplitReport {
  const perClass: number[] = Array(classes).fill(0);
  for (let i = 0; i < size; i++) perClass[labels[i]]++;
  return { size, perClass };
}

/** Mean and standard deviation of each channel over a whole split, read image by image. */
function measured({ size, images }: Split, channels: number): ChannelStatistics {
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

const far = (a: readonly number[], b: readonly number[], by: number) =>
  a.some((value, i) => Math.abs(value - b[i]) > by);

/** Counts and measures every example of an opened data set, and compares it with what is known of the official one. */
export function checkDataset({
  name,
  shape,
  classes,
  mean,
  std,
  train,
  test,
}: Dataset): DataReport {
  const pixels = measured(train, shape[0]);
  const reports = {
    train: splitReport(train, classes.length),
    test: splitReport(test, classes.length),
  };
  const notes: Note[] = [];
  for (const split of ["train", "test"] as const) {
    const { perClass } = reports[split];
    const known = official[name]?.[split === "train" ? 0 : 1];
    const empty = classes.filter((_, label) => perClass[label] === 0);
    if (known !== undefined && known.join() !== perClass.join())
      notes.push({
        code: "class-counts",
        text: `${split} has other numbers of examples per class than the official files`,
      });
    if (empty.length > 0)
      notes.push({ code: "empty-class", text: `${split} has no example of ${empty.join(", ")}` });
  }
  if (Object.hasOwn(official, name) && (far(pixels.mean, mean, 1e-3) || far(pixels.std, std, 1e-3)))
    notes.push({
      code: "unusual-pixels",
      text: "the pixels differ from the official ones in mean or deviation",
    });
  if (train === test)
    notes.push({
      code: "no-split",
      text: "training and test images are the same: the data set has no split of its own",
    });
  return { name, shape, classes, ...pixels, ...reports, notes };
}
