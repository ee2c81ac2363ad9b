import { type CifarFormat, cifarPlace, KRIZHEVSKY, openCifar } from "./cifar-format.ts";
import { defineDataset } from "./define-dataset.ts";
import { words } from "./words.ts";

/** The layout of the files, and mean and standard deviation of the training pixels in [0, 1]; a test recomputes them. */
export const cifar10Format: CifarFormat = {
  name: "cifar10",
  folders: ["cifar10", "cifar-10-batches-bin"],
  classes: words("airplane automobile bird cat deer dog frog horse ship truck"),
  header: 1,
  label: 0,
  train: [1, 2, 3, 4, 5].map((i) => [`data_batch_${i}.bin`, 10000] as const),
  test: [["test_batch.bin", 10000]],
  mean: [0.4914, 0.4822, 0.4465],
  std: [0.247, 0.2435, 0.2616],
};

/** CIFAR-10: 60,000 colour images of 32 × 32 pixels. */
export const cifar10 = defineDataset({
  name: "cifar10",
  text: "ten classes of 32 × 32 colour images",
  source: "Krizhevsky 2009, Learning multiple layers of features from tiny images",
  place: cifarPlace(cifar10Format),
  downloads: {
    address: KRIZHEVSKY,
    downloads: [
      {
        file: "cifar-10-binary.tar.gz",
        md5: "c32a1d4ab5d03f1284b67883e8d87530",
        unpack: {
          folder: "cifar-10-batches-bin",
          files: [...[1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`), "test_batch.bin"],
        },
      },
    ],
  },
  perClass: { train: Array(10).fill(5000), test: Array(10).fill(1000) },
  open: (from) => openCifar(cifar10Format, from),
});
