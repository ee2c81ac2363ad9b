// Zoom and position that all images of the page share.
import { signal } from "@preact/signals";

export const MAX_ZOOM = 16;

/** How far the images are zoomed in, and where: `x` and `y` are the share of the image at the centre. */
export interface Zoom {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

const whole: Zoom = { scale: 1, x: 0.5, y: 0.5 };

export const zoom = signal<Zoom>(whole);

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));

/** A centre from which no side shows more than the image. */
const inside = ({ scale, x, y }: Zoom): Zoom => {
  const margin = 0.5 / scale;
  return { scale, x: clamp(x, margin, 1 - margin), y: clamp(y, margin, 1 - margin) };
};

/** Zooms by a factor and keeps the point at (atX, atY), shares of the frame, where it is. */
export function zoomBy(factor: number, atX = 0.5, atY = 0.5): void {
  const { scale, x, y } = zoom.value;
  const next = clamp(scale * factor, 1, MAX_ZOOM);
  const point = { x: x + (atX - 0.5) / scale, y: y + (atY - 0.5) / scale };
  zoom.value = inside({
    scale: next,
    x: point.x - (atX - 0.5) / next,
    y: point.y - (atY - 0.5) / next,
  });
}

/** Moves the images by shares of their frame. */
export function moveBy(dx: number, dy: number): void {
  const { scale, x, y } = zoom.value;
  zoom.value = inside({ scale, x: x - dx / scale, y: y - dy / scale });
}

export function zoomOut(): void {
  zoom.value = whole;
}
