// Colours of classes in the plane: hues that differ for neighbouring classes, the same in both themes.

/** Degrees between the hues of two classes, so that the first dozen differ clearly. */
const STEP = 137.5;

const hueOf = (one: number): number => (210 + STEP * one) % 360;

/** The colour of a class, as CSS. */
export const colourOf = (one: number): string => `hsl(${hueOf(one).toFixed(0)} 55% 55%)`;

/** The same as red, green and blue, 0 … 255. */
export function rgbOf(one: number): readonly [number, number, number] {
  const [saturation, lightness] = [0.55, 0.55];
  const chroma = saturation * Math.min(lightness, 1 - lightness);
  const part = (n: number) => {
    const k = (n + hueOf(one) / 30) % 12;
    return Math.round(255 * (lightness - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [part(0), part(8), part(4)];
}
