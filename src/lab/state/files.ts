// Files that the user drops or chooses: sorted into a model with what belongs to it, and images.
import { megapixelsOf } from "./image-size.ts";

/** A file and the folder that it was in. */
export interface UserFile {
  readonly file: File;
  readonly folder: string | null;
}

/** Largest model that the page reads; its memory ends at 4 GiB, and importing needs several copies. */
const MAX_MODEL_BYTES = 768 * 2 ** 20;

/** Largest image, in megapixels: four bytes a pixel, several times over. */
const MAX_MEGAPIXELS = 40;

/** Most images that the page keeps. */
export const MAX_IMAGES = 500;

const isModel = ({ file }: UserFile): boolean => /\.(onnx|onnx\.gz|safetensors)$/i.test(file.name);
const isImage = ({ file }: UserFile): boolean =>
  /^image\//.test(file.type) || /\.(png|jpe?g|webp|gif|bmp|avif)$/i.test(file.name);

const sizeOf = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`;

/** Dropped files by what they are for. */
export interface Sorted {
  readonly models: readonly UserFile[];
  readonly images: readonly UserFile[];
  /** Files beside a model: its preprocessing, class names and arrays. */
  readonly beside: readonly UserFile[];
}

export function sorted(files: readonly UserFile[]): Sorted {
  const visible = files.filter(({ file }) => !file.name.startsWith("."));
  return {
    models: visible.filter(isModel),
    images: visible.filter((one) => !isModel(one) && isImage(one)),
    beside: visible.filter((one) => !isModel(one) && !isImage(one)),
  };
}

/** Why the files of a model are not read; null if they are. Looks at sizes alone. */
export function refusedModel(files: readonly UserFile[]): string | null {
  const bytes = files.reduce((sum, { file }) => sum + file.size, 0);
  if (bytes <= MAX_MODEL_BYTES) return null;
  const [{ file }] = files;
  return `${file.name} has ${sizeOf(bytes)}, and a page has memory for models up to ${sizeOf(MAX_MODEL_BYTES)}\nuse the command line: rampart audit ${file.name} --data folder:images --out audit`;
}

/** Why an image is not read; null if it is. Looks at its header alone. */
export async function refusedImage({ file }: UserFile): Promise<string | null> {
  const megapixels = await megapixelsOf(file);
  if (megapixels <= MAX_MEGAPIXELS) return null;
  return `${file.name} has ${Math.round(megapixels)} megapixels, and the lab takes images up to ${MAX_MEGAPIXELS}\nmake it smaller and drop it again`;
}

/** All files of an entry of a drop, folders included. */
async function filesOfEntry(entry: FileSystemEntry, folder: string | null): Promise<UserFile[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => {
      (entry as FileSystemFileEntry).file(resolve, reject);
    });
    return [{ file, folder }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: UserFile[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (some.length === 0) return found;
    for (const one of some) found.push(...(await filesOfEntry(one, entry.name)));
  }
}

/** The files of a drop. */
export async function filesOfDrop({ items, files }: DataTransfer): Promise<UserFile[]> {
  const entries = Array.from(items, (item) => item.webkitGetAsEntry?.() ?? null);
  if (entries.every((entry) => entry === null))
    return Array.from(files, (file) => ({ file, folder: null }));
  const found: UserFile[] = [];
  for (const entry of entries) if (entry !== null) found.push(...(await filesOfEntry(entry, null)));
  return found;
}

/** The files of an input; one that takes folders tells the path of each. */
export const filesOfInput = (files: FileList): UserFile[] =>
  Array.from(files, (file) => ({
    file,
    folder: file.webkitRelativePath.split("/").at(-2) ?? null,
  }));
