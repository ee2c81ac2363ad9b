import { type CifarFormat, cifarPlace, KRIZHEVSKY, openCifar } from "./cifar-format.ts";
import { defineDataset } from "./define-dataset.ts";
import { words } from "./words.ts";

/** The layout of the files, and mean and standard deviation of the training pixels in [0, 1]; a test recomputes them. */
export const cifar100Format: CifarFormat = {
  name: "cifar100",
  folders: ["cifar100", "cifar-100-binary"],
  classes: words(`
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
    caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant
    flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man
    maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree
    plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail
    snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout
    tulip turtle wardrobe whale willow_tree wolf woman worm`),
  header: 2, // a coarse label, then the fine one
  label: 1,
  train: [["train.bin", 50000]],
  test: [["test.bin", 10000]],
  mean: [0.5071, 0.4865, 0.4409],
  std: [0.2673, 0.2564, 0.2762],
};

/** CIFAR-100 with its fine labels: 60,000 colour images of 32 × 32 pixels. */
export const cifar100 = defineDataset({
  name: "cifar100",
  text: "a hundred classes of 32 × 32 colour images",
  source: "Krizhevsky 2009, Learning multiple layers of features from tiny images",
  place: cifarPlace(cifar100Format),
  downloads: {
    address: KRIZHEVSKY,
    downloads: [
      {
        file: "cifar-100-binary.tar.gz",
        md5: "03b5dce01913d631647c71ecec9e9cb8",
        unpack: { folder: "cifar-100-binary", files: ["train.bin", "test.bin"] },
      },
    ],
  },
  perClass: { train: Array(100).fill(500), test: Array(100).fill(100) },
  open: (from) => openCifar(cifar100Format, from),
});
