import { UsageError } from "../math/usage-error.ts";
import { namedData, requireDataName } from "./table.ts";

/** One download of an official data set. */
export interface Download {
  /** File name at the official address. */
  readonly file: string;
  /** MD5 of the download, as stated by the publisher or, for MNIST, by torchvision. */
  readonly md5: string;
  /** For a .tar.gz: the folder inside, and the files to keep. */
  readonly unpack?: { readonly folder: string; readonly files: readonly string[] };
}

/** Downloads of an official data set. */
export interface Source {
  /** Ends in a slash. */
  readonly address: string;
  readonly downloads: readonly Download[];
}

const kriz = "https://www.cs.toronto.edu/~kriz/";

/** The four files of MNIST with their MD5 sums. */
const mnistDownloads = (
  trainImages: string,
  trainLabels: string,
  testImages: string,
  testLabels: string,
) => [
  { file: "train-images-idx3-ubyte.gz", md5: trainImages },
  { file: "train-labels-idx1-ubyte.gz", md5: trainLabels },
  { file: "t10k-images-idx3-ubyte.gz", md5: testImages },
  { file: "t10k-labels-idx1-ubyte.gz", md5: testLabels },
];

/** Official downloads by data set. */
export const sources: Readonly<Record<string, Source>> = {
  cifar10: {
    address: kriz,
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
  cifar100: {
    address: kriz,
    downloads: [
      {
        file: "cifar-100-binary.tar.gz",
        md5: "03b5dce01913d631647c71ecec9e9cb8",
        unpack: { folder: "cifar-100-binary", files: ["train.bin", "test.bin"] },
      },
    ],
  },
  mnist: {
    address: "https://ossci-datasets.s3.amazonaws.com/mnist/",
    downloads: mnistDownloads(
      "f68b3c2dcbeaaa9fbdd348bbdeb94873",
      "d53e105ee54ea40749a09fcbcd1e9432",
      "9fb629c4189551a2d022fa330f9573f3",
      "ec29112dd5afa0611ce80d1b7f02629c",
    ),
  },
  "fashion-mnist": {
    address: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    downloads: mnistDownloads(
      "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
      "25c81989df183df01b3e8a0aad5dffbe",
      "bef4ecab320f06d8554ea6380940ec79",
      "bb300cfdad3c16e7a12a480ee83cd310",
    ),
  },
};

/** The downloads of a data set; throws a UsageError if it cannot be fetched. */
export function sourceOf(name: string): Source {
  requireDataName(name);
  if (Object.hasOwn(sources, name)) return sources[name];
  const why = namedData.includes(name) ? "is computed" : "is your own";
  throw new UsageError(
    `${name} ${why}, there is nothing to fetch; fetch ${Object.keys(sources).join(", ")}`,
    { code: "bad-option" },
  );
}
