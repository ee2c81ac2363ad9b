/** Red, green, blue and alpha of pixels [channel, height, width] in [0, 1], with 1 channel (grey) or 3. */
export function rgbaOf(pixels: ArrayLike<number>, shape: readonly number[]): ImageData {
  const [channels, height, width] = shape;
  const area = height * width;
  const image = new ImageData(width, height);
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++)
      image.data[4 * i + c] = Math.round(255 * pixels[(channels === 1 ? 0 : c) * area + i]);
    image.data[4 * i + 3] = 255;
  }
  return image;
}

/** Grey 0.5 where the images are alike, and `gain` times their difference around it. */
export const amplified = (pixels: Float32Array, clean: Float32Array, gain: number): Float32Array =>
  pixels.map((value, i) => Math.min(1, Math.max(0, 0.5 + gain * (value - clean[i]))));

/** Saves pixels as a PNG of the same size. */
export async function savePng(
  pixels: ArrayLike<number>,
  shape: readonly number[],
  name: string,
): Promise<void> {
  const canvas = document.createElement("canvas");
  [canvas.height, canvas.width] = [shape[1], shape[2]];
  canvas.getContext("2d")?.putImageData(rgbaOf(pixels, shape), 0, 0);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (blob !== null) saveBlob(blob, name);
}

/** Hands a file to the browser's downloads. */
export function saveBlob(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
