// Marks of both versions of Figure 1: squares for ℓ∞, circles for ℓ2, and a star for the example.

import * as Plot from "@observablehq/plot";
import { html, type Markup, trusted } from "./html.ts";
import { paint } from "./panels.ts";

/** A point of a plane, in data units. */
export type PlanePoint = readonly [number, number];

/** The norm of a ball that is drawn. */
export type Ball = "linf" | "l2";

/** Channels of Observable Plot for points [x, y]. */
export const xy = { x: "0", y: "1" } as const;
/** Channels for the corners of a polygon. */
export const closed = { ...xy, curve: "linear-closed" } as const;

/** The corners of a regular polygon that looks like a circle. */
export const circle = ([x, y]: PlanePoint, radius: number, sides = 240): readonly PlanePoint[] =>
  Array.from({ length: sides }, (_, i) => {
    const angle = (2 * Math.PI * i) / sides;
    return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)] as const;
  });

/** The corners of a square, from its centre and half its side. */
export const square = ([x, y]: PlanePoint, half: number): readonly PlanePoint[] => [
  [x - half, y - half],
  [x + half, y - half],
  [x + half, y + half],
  [x - half, y + half],
];

/** The outline of a ball in its norm's colour. */
export const outlineMark = (
  ball: Ball,
  points: readonly PlanePoint[],
  options: Plot.LineOptions = {},
): Plot.Markish =>
  Plot.line(points, { ...closed, stroke: paint[ball], strokeWidth: 2.5, clip: true, ...options });

/** The attacked example. */
export const starMark = (at: PlanePoint): Plot.Markish =>
  Plot.dot([at], { ...xy, symbol: "star", r: 5, fill: paint.ink, stroke: "#ffffff" });

/** An adversarial example: filled if it is misclassified, hollow if not. */
export const adversarialMark = (ball: Ball, at: PlanePoint, broken: boolean): Plot.Markish =>
  Plot.dot([at], {
    ...xy,
    symbol: ball === "linf" ? "square" : "circle",
    r: 5,
    fill: broken ? paint[ball] : "#ffffff",
    stroke: broken ? "#ffffff" : paint[ball],
    strokeWidth: broken ? 1 : 2,
  });

const swatch = (ball: Ball, broken: boolean): Markup => {
  const style = broken
    ? html`fill="${paint[ball]}"`
    : html`fill="#ffffff" stroke="${paint[ball]}" stroke-width="2"`;
  return ball === "linf"
    ? html`<rect x="-4.5" y="-4.5" width="9" height="9" ${style} />`
    : html`<circle r="5" ${style} />`;
};

/** Swatches of the legend, each centred on 0, 0. */
export const swatches = {
  line: trusted(`<path d="M-11,0H11" stroke="${paint.ink}" stroke-width="2.5" />`),
  linf: trusted(
    `<rect x="-6" y="-6" width="12" height="12" fill="none" stroke="${paint.linf}" stroke-width="2" />`,
  ),
  l2: trusted(`<circle r="6.5" fill="none" stroke="${paint.l2}" stroke-width="2" />`),
  star: trusted(
    `<path fill="${paint.ink}" d="M0,-6L1.5,-2L5.7,-1.9L2.4,0.8L3.5,4.9L0,2.5L-3.5,4.9L-2.4,0.8L-5.7,-1.9L-1.5,-2Z" />`,
  ),
  /** Adversarial examples of both norms, side by side. */
  adversarial: (broken: boolean): Markup =>
    html`<g transform="translate(-6,0)">${swatch("linf", broken)}</g><g transform="translate(7,0)">${swatch("l2", broken)}</g>`,
  box: (fill: string): Markup =>
    html`<rect x="-9" y="-6" width="18" height="12" fill="${fill}" stroke="${paint.soft}" stroke-width="0.5" />`,
} as const;
