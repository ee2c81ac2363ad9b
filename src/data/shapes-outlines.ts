/** Distance in pixels from (x, y) to the edge of a form of this radius around the origin; negative inside. */
export type Form = (x: number, y: number, radius: number) => number;

/** A filled circle. Unlike Math.sqrt, Math.hypot may round differently in different engines. */
export const disc: Form = (x, y, radius) => Math.sqrt(x * x + y * y) - radius;

/** Distance to an axis-parallel rectangle. */
const box = (x: number, y: number, halfWidth: number, halfHeight: number): number =>
  Math.max(Math.abs(x) - halfWidth, Math.abs(y) - halfHeight);

/** Two bars: a square without the middle quarter of its height. */
const rows: Form = (x, y, radius) =>
  Math.max(box(x, y, radius, radius), 0.25 * radius - Math.abs(y));

/** Five mirror-symmetric forms, each inside the square of half-side `radius`. */
export const forms = {
  disc,
  frame: (x, y, radius) => Math.abs(box(x, y, 0.8 * radius, 0.8 * radius)) - 0.2 * radius,
  cross: (x, y, radius) =>
    Math.min(box(x, y, radius, 0.27 * radius), box(x, y, 0.27 * radius, radius)),
  rows,
  columns: (x, y, radius) => rows(y, x, radius),
} as const satisfies Record<string, Form>;
