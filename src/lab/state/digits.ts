// Digits for the network of MNIST, whose own images are not shipped: typeset here.
import type { Picture } from "../protocol.ts";

const SIDE = 28;

/** White text on black, a little blurred as scanned ink is, [1, 28, 28]. */
function typeset(text: string): Float32Array {
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  const context = canvas.getContext("2d");
  if (context === null) return new Float32Array(SIDE * SIDE);
  context.fillRect(0, 0, SIDE, SIDE);
  context.filter = "blur(0.6px)";
  context.fillStyle = "white";
  context.font = "24px system-ui, sans-serif";
  context.textAlign = "center";
  context.fillText(text, SIDE / 2, 22.5);
  const { data } = context.getImageData(0, 0, SIDE, SIDE);
  return Float32Array.from({ length: SIDE * SIDE }, (_, i) => data[4 * i] / 255);
}

/** The ten digits. */
export const digits = (): Picture[] =>
  Array.from({ length: 10 }, (_, label) => ({
    name: `typeset ${label}`,
    pixels: typeset(String(label)),
    shape: [1, SIDE, SIDE],
    label,
  }));
