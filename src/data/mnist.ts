import { defineDataset } from "./define-dataset.ts";
import { type MnistFormat, mnistDownloads, mnistPlace, openMnist } from "./mnist-format.ts";
import { words } from "./words.ts";

/** The layout of the files, and mean and standard deviation of the training pixels in [0, 1]; a test recomputes them. */
export const mnistFormat: MnistFormat = {
  name: "mnist",
  folders: ["mnist", "MNIST/raw"],
  classes: words("0 1 2 3 4 5 6 7 8 9"),
  mean: [0.1307],
  std: [0.3081],
};

/** MNIST: 70,000 grey images of 28 × 28 pixels. */
export const mnist = defineDataset({
  name: "mnist",
  text: "ten digits, 28 × 28 grey images",
  source: "LeCun, Cortes and Burges, The MNIST database of handwritten digits",
  // Most mirrored digits are not digits.
  augment: "crop",
  place: mnistPlace(mnistFormat),
  downloads: {
    address: "https://ossci-datasets.s3.amazonaws.com/mnist/",
    downloads: mnistDownloads(
      "f68b3c2dcbeaaa9fbdd348bbdeb94873",
      "d53e105ee54ea40749a09fcbcd1e9432",
      "9fb629c4189551a2d022fa330f9573f3",
      "ec29112dd5afa0611ce80d1b7f02629c",
    ),
  },
  perClass: {
    train: [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
    test: [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
  },
  open: (from) => openMnist(mnistFormat, from),
});
