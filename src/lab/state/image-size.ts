/**
 * Megapixels of an image file, from its header: the browser decodes an image only when it is drawn. 0 for a file that
 * is not an image; the decoder then reports it.
 */
export async function megapixelsOf(file: Blob): Promise<number> {
  const image = new Image();
  const address = URL.createObjectURL(file);
  try {
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = reject;
      image.src = address;
    });
    return (image.naturalWidth * image.naturalHeight) / 1e6;
  } catch {
    return 0;
  } finally {
    URL.revokeObjectURL(address);
  }
}
