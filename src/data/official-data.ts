import type { CifarFormat } from "./cifar-format.ts";
import type { MnistFormat } from "./mnist-format.ts";

// Facts about each official data set. Means and standard deviations are those of the training pixels in [0, 1]; tests
// recompute them if the data set is on the machine.

/** Class names separated by white space. */
const words = (text: string): string[] => text.trim().split(/\s+/);

/** CIFAR-10 (Krizhevsky 2009). */
export const cifar10: CifarFormat = {
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

/** CIFAR-100 (Krizhevsky 2009) with its fine labels. */
export const cifar100: CifarFormat = {
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

/** MNIST (LeCun, Cortes and Burges). */
export const mnist: MnistFormat = {
  name: "mnist",
  folders: ["mnist", "MNIST/raw"],
  classes: words("0 1 2 3 4 5 6 7 8 9"),
  mean: [0.1307],
  std: [0.3081],
};

/** Fashion-MNIST (Xiao, Rasul & Vollgraf 2017, arXiv:1708.07747). */
export const fashionMnist: MnistFormat = {
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
