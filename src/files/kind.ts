// Recognises a file's format by its contents, for messages about a file that is not the expected model, arrays or rows.

/** A file format, with advice for a user who gave a file of this format instead of the expected one. */
export interface ContentsKind {
  readonly code: string;
  /** `a PyTorch file`. */
  readonly what: string;
  readonly advice: string;
}

const decoder = new TextDecoder("latin1");

/** Number of bytes that are examined. */
const HEAD = 4096;

/** The first bytes of a file, in three forms. */
interface Head {
  readonly bytes: Uint8Array;
  /** In Latin-1, one character per byte. */
  readonly latin1: string;
  /** In hexadecimal, two digits per byte. */
  readonly hex: string;
  /** Names of the entries of a zip file, one per line, as far as its last 64 KiB hold its directory. */
  readonly names: string;
}

const toOnnx = {
  pytorch: "export it with torch.onnx.export, and give the .onnx file",
  tensorflow: "convert it with tf2onnx (python -m tf2onnx.convert), and give the .onnx file",
  other: "convert it to ONNX, and give the .onnx file",
} as const;

const isZip = ({ hex }: Head): boolean => hex.startsWith("504b0304");

// Protocol buffers in hexadecimal, by their first fields. A length is one byte below 0x80, or several bytes.

/** schema_version 1 (field 1), then a meta graph (field 2) with its description. */
const savedModel = /^080112([89a-f].)*..0a/;
/** specificationVersion (field 1), then the description of the features (field 2). */
const coreMl = /^080[2-9a-f]12([89a-f].)*..0a/;
/** A node (field 1) with its name (field 1) and operator (field 2). */
const graphDef = /^0a([89a-f].)*..0a..([2-7].)+12..(4[1-9a-f]|5[0-9a])/;
/** ir_version (field 1), then the producer's name, the graph or an operator set. */
const onnx = /^08[0-7].(12..[2-7].|1a|22|28|32|3a|42)/;

/** Magic numbers of 7z, xz, bzip2, Zstandard and rar, in hexadecimal. */
const archives = ["377abcaf271c", "fd377a585a00", "425a68", "28b52ffd", "526172211a07"];

/** Known kinds; the first that fits counts, so more specific ones come first. */
const kinds: readonly (ContentsKind & { fits(head: Head): boolean })[] = [
  {
    code: "empty",
    what: "an empty file",
    advice: "write or download it again",
    fits: ({ bytes }) => bytes.length === 0,
  },
  {
    code: "lfs-pointer",
    what: "a Git LFS pointer to a file that was not downloaded",
    advice: "run git lfs pull in its repository, or download the file itself",
    fits: ({ latin1 }) => latin1.startsWith("version https://git-lfs.github.com/spec/"),
  },
  {
    code: "html",
    what: "a web page",
    advice: "download the file itself; on a page that shows it, use the link to the raw file",
    fits: ({ latin1 }) => /^\s*(<!--.*?-->\s*)*<(!doctype html|html|head)\b/is.test(latin1),
  },
  {
    code: "openvino",
    what: "the XML description of an OpenVINO network",
    advice: "give the ONNX file that it was converted from",
    fits: ({ latin1 }) => /^\s*<\?xml[^>]*>\s*<net\b/.test(latin1),
  },
  {
    code: "xml",
    what: "an XML document",
    advice: "download the file itself; a server may have answered with an error message",
    fits: ({ latin1 }) => /^\s*<\?xml\b/.test(latin1),
  },
  {
    code: "tflite",
    what: "a TensorFlow Lite model",
    advice: "convert it with tf2onnx (python -m tf2onnx.convert --tflite), and give the .onnx file",
    fits: ({ latin1 }) => latin1.slice(4, 8) === "TFL3",
  },
  {
    code: "ort",
    what: "a model in ONNX Runtime's own format (.ort)",
    advice: "give the .onnx file that it was converted from",
    fits: ({ latin1 }) => latin1.slice(4, 8) === "ORTM",
  },
  {
    code: "hdf5",
    what: "an HDF5 file, as Keras writes it (.h5)",
    advice: toOnnx.tensorflow,
    fits: ({ hex }) => hex.startsWith("894844460d0a1a0a"),
  },
  {
    code: "pytorch",
    what: "a PyTorch file",
    advice: toOnnx.pytorch,
    fits: (head) =>
      isZip(head) && /(^|\/)(data\.pkl|constants\.pkl|\.format_version)/.test(head.names),
  },
  {
    code: "keras",
    what: "a Keras model (.keras)",
    advice: toOnnx.tensorflow,
    fits: (head) => isZip(head) && head.names.includes("model.weights.h5"),
  },
  {
    code: "npz",
    what: "an .npz file of arrays",
    advice: "arrays are data: give it as --data npz:FILE, or as --input",
    fits: (head) => isZip(head) && /\.npy(\n|$)/.test(head.names),
  },
  {
    code: "zip",
    what: "a zip archive",
    advice: "unpack it, and give the file inside",
    fits: isZip,
  },
  {
    code: "npy",
    what: "a .npy array",
    advice: "arrays are data: save x and y with numpy.savez, and give --data npz:FILE",
    fits: ({ hex }) => hex.startsWith("934e554d5059"),
  },
  {
    code: "pickle",
    what: "a Python pickle, as older PyTorch and scikit-learn write it (.pt, .pth, .pkl)",
    advice: toOnnx.pytorch,
    fits: ({ bytes }) => bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5,
  },
  {
    code: "image",
    what: "an image",
    advice: "images go into a folder per class: give --data folder:PATH",
    fits: ({ hex, latin1 }) =>
      /^(89504e47|ffd8ff|4749463[89])/.test(hex) || /^RIFF....WEBP/s.test(latin1),
  },
  {
    code: "safetensors",
    what: "a safetensors file",
    advice: "it holds weights without a network; export the network as ONNX",
    fits: ({ hex }) => /^.{8}000000007b/.test(hex),
  },
  {
    code: "archive",
    what: "a compressed archive",
    advice: "unpack it, and give the file inside",
    fits: ({ hex, latin1 }) =>
      archives.some((magic) => hex.startsWith(magic)) || latin1.slice(257, 262) === "ustar",
  },
  {
    code: "gzip",
    what: "a gzip file",
    advice: "unpack it with gunzip, and give the file inside",
    fits: ({ hex }) => hex.startsWith("1f8b"),
  },
  {
    code: "tensorflow",
    what: "a TensorFlow SavedModel or graph (.pb)",
    advice: toOnnx.tensorflow,
    fits: ({ hex }) => savedModel.test(hex) || graphDef.test(hex),
  },
  {
    code: "coreml",
    what: "a Core ML model",
    advice: toOnnx.other,
    fits: ({ hex }) => coreMl.test(hex),
  },
  {
    code: "onnx",
    what: "an ONNX model",
    advice: "give it where the command takes a model",
    fits: ({ hex }) => onnx.test(hex),
  },
  {
    code: "json",
    what: "a JSON file",
    advice: "give the file that it describes",
    fits: ({ latin1, bytes }) => /^\s*[[{]/.test(latin1) && isText(bytes),
  },
  {
    code: "text",
    what: "a text file",
    advice: "is it the right file?",
    fits: ({ bytes }) => isText(bytes),
  },
];

/** Control characters that occur in text: tab, line feed, form feed, carriage return, escape. */
const textControls = [9, 10, 12, 13, 27];

const isText = (bytes: Uint8Array): boolean =>
  bytes.every((byte) => byte >= 32 || textControls.includes(byte));

/** The kind of a file by its contents; undefined for an unknown one. */
export function contentsKind(bytes: Uint8Array): ContentsKind | undefined {
  const head = bytes.subarray(0, HEAD);
  const latin1 = decoder.decode(head);
  const hex = Array.from(head, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const directory = bytes.subarray(Math.max(0, bytes.length - 2 ** 16));
  const names = latin1.startsWith("PK") ? namesIn(directory) : "";
  return kinds.find(({ fits }) => fits({ bytes: head, latin1, hex, names }));
}

/** Names in the central directory of a zip file, one per line. A name starts 42 bytes after its entry's signature. */
const namesIn = (directory: Uint8Array): string =>
  decoder
    .decode(directory)
    .split("PK\u0001\u0002")
    .slice(1)
    .map((entry) => entry.slice(42, 42 + entry.charCodeAt(24) + 256 * entry.charCodeAt(25)))
    .join("\n");

/**
 * A message about a file of the wrong kind: `m.onnx is a PyTorch file (12 bytes), and an ONNX model is needed; export it …`.
 * Undefined for unknown kinds and those whose codes are in `expected`.
 */
export function otherKind(
  path: string,
  bytes: Uint8Array,
  needed: string,
  expected: readonly string[],
): string | undefined {
  const kind = contentsKind(bytes);
  if (kind === undefined || expected.includes(kind.code)) return undefined;
  return `${path} is ${kind.what} (${bytes.length} bytes), and ${needed} is needed; ${kind.advice}`;
}
