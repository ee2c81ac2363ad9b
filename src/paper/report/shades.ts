// Colours of accuracies: five steps of blue whose thresholds a legend states.

/** The lowest accuracy of each step, for printed digits: an accuracy of 0.20 has the third colour. */
export const THRESHOLDS = [0, 0.1, 0.2, 0.3, 0.4, 0.5] as const;

/** Backgrounds of the steps on white; the darkest one has a contrast of 7 with black text. */
const FILLS = ["#ffffff", "#e8f0f8", "#cfe0f0", "#b1cce6", "#8fb5da", "#6d9dcc"] as const;

/** The step of an accuracy in [0, 1]. */
const stepOf = (value: number): number => THRESHOLDS.findLastIndex((from) => value >= from);

/** The background of an accuracy. */
export const shadeOf = (value: number): string => FILLS[Math.max(0, stepOf(value))];

/** The class of an accuracy's cell in HTML. */
export const shadeClass = (value: number): string => `shade-${Math.max(0, stepOf(value))}`;

/** What the steps stand for, and their backgrounds. */
export const shadeLegend: readonly { readonly label: string; readonly fill: string }[] =
  THRESHOLDS.map((from, i) => {
    const to = THRESHOLDS[i + 1];
    if (to === undefined) return { label: `≥ ${from.toFixed(2)}`, fill: FILLS[i] };
    return { label: `${from.toFixed(2)}–${(to - 0.01).toFixed(2)}`, fill: FILLS[i] };
  });

/** The style of the steps; a dark page keeps its ink, and mixes the colour in. */
export const shadeStyle: string = FILLS.map(
  (fill, i) =>
    `.shade-${i} { background: color-mix(in srgb, ${fill} ${i === 0 ? 0 : 45}%, var(--paper)); }`,
).join("\n");
