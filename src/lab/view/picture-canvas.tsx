import { useLayoutEffect, useRef } from "preact/hooks";
import { rgbaOf } from "./pixels.ts";
import { moveBy, zoom, zoomBy, zoomOut } from "./zoom.ts";

interface Props {
  readonly pixels: ArrayLike<number>;
  /** [channel, height, width]. */
  readonly shape: readonly number[];
  /** What a screen reader says. */
  readonly label: string;
}

const keys: Readonly<Record<string, () => void>> = {
  "+": () => zoomBy(1.5),
  "=": () => zoomBy(1.5),
  "-": () => zoomBy(1 / 1.5),
  "0": zoomOut,
  ArrowLeft: () => moveBy(0.1, 0),
  ArrowRight: () => moveBy(-0.1, 0),
  ArrowUp: () => moveBy(0, 0.1),
  ArrowDown: () => moveBy(0, -0.1),
};

function onKey(event: KeyboardEvent): void {
  const act = keys[event.key];
  if (act === undefined || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  act();
}

/** Where an event is, in shares of the frame. */
function placeOf(event: MouseEvent): readonly [number, number] {
  const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}

function onWheel(event: WheelEvent): void {
  if (!event.ctrlKey && zoom.value.scale === 1 && event.deltaY > 0) return;
  event.preventDefault();
  const [x, y] = placeOf(event);
  zoomBy(event.deltaY < 0 ? 1.2 : 1 / 1.2, x, y);
}

function onDrag(event: PointerEvent): void {
  if (event.buttons !== 1 || zoom.value.scale === 1) return;
  const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
  moveBy(event.movementX / box.width, event.movementY / box.height);
}

/** An image with hard pixels. All images of the page zoom and move together: wheel, double click, drag, and + − 0 and arrows. */
export function PictureCanvas({ pixels, shape, label }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [, height, width] = shape;
  useLayoutEffect(() => {
    canvas.current?.getContext("2d")?.putImageData(rgbaOf(pixels, shape), 0, 0);
  }, [pixels, shape]);
  const { scale, x, y } = zoom.value;
  const transform = `scale(${scale}) translate(${100 * (0.5 - x)}%, ${100 * (0.5 - y)}%)`;
  return (
    <button
      type="button"
      class="picture"
      aria-label={`${label}. Zoom by plus and minus, move by arrows.`}
      data-zoomed={scale > 1}
      onKeyDown={onKey}
      onWheel={onWheel}
      onPointerMove={onDrag}
      onDblClick={(event) => (scale > 1 ? zoomOut() : zoomBy(4, ...placeOf(event)))}
    >
      <canvas ref={canvas} width={width} height={height} style={{ transform }} />
    </button>
  );
}
