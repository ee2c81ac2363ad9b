import { defineDataset } from "./define-dataset.ts";
import { type MnistFormat, mnistDownloads, mnistPlace, openMnist } from "./mnist-format.ts";

/** The layout of the files, and mean and standard deviation of the training pixels in [0, 1]; a test recomputes them. */
export const fashionMnistFormat: MnistFormat = {
  name: "fashion-mnist",
  folders: ["fashion-mnist", "FashionMNIST/raw"],
  classes: [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
  ],
  mean: [0.286],
  std: [0.353],
};

/** Fashion-MNIST: 70,000 grey images of 28 × 28 pixels. */
export const fashionMnist = defineDataset({
  name: "fashion-mnist",
  text: "ten kinds of clothes, 28 × 28 grey images",
  source: "Xiao, Rasul & Vollgraf 2017, arXiv:1708.07747",
  augment: "crop",
  place: mnistPlace(fashionMnistFormat),
  downloads: {
    address: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    downloads: mnistDownloads(
      "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
      "25c81989df183df01b3e8a0aad5dffbe",
      "bef4ecab320f06d8554ea6380940ec79",
      "bb300cfdad3c16e7a12a480ee83cd310",
    ),
  },
  perClass: { train: Array(10).fill(6000), test: Array(10).fill(1000) },
  open: (from) => openMnist(fashionMnistFormat, from),
});
