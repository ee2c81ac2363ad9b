import { useLayoutEffect, useRef } from "preact/hooks";
import type { Point, SliceFacts } from "../protocol.ts";
import {
  type Drawn,
  drawn,
  drawnRadii,
  movePoint,
  point,
  shown,
  zoomPlane,
} from "../state/slice.ts";
import { rgbOf } from "./class-colours.ts";

/** Side of the drawing in its own units. */
const SIDE = 400;

/** Logits by which a class leads where its colour is full. */
const FULL = 4;

/** Cells as an image, the first row at the bottom. A class that leads by little is pale. */
function imageOf({ window: { resolution }, regions, leads }: Drawn): ImageData {
  const image = new ImageData(resolution, resolution);
  for (const [i, one] of regions.entries()) {
    const at = 4 * ((resolution - 1 - Math.floor(i / resolution)) * resolution + (i % resolution));
    image.data.set(rgbOf(one), at);
    image.data[at + 3] = 255 * (0.3 + 0.6 * Math.min(1, leads[i] / FULL));
  }
  return image;
}

/** The decisions, where they were drawn: after a zoom they are the old ones until the new ones are there. */
function Regions() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const found = drawn.value;
  useLayoutEffect(() => {
    if (found !== null) canvas.current?.getContext("2d")?.putImageData(imageOf(found), 0, 0);
  }, [found]);
  if (found === null) return null;
  const { half } = shown.value;
  const scale = found.window.half / half;
  const { resolution } = found.window;
  const style = {
    width: `${100 * scale}%`,
    left: `${50 * (1 - scale)}%`,
    top: `${50 * (1 - scale)}%`,
  };
  return (
    <canvas ref={canvas} key={resolution} width={resolution} height={resolution} style={style} />
  );
}

const scaleOf = (): number => SIDE / (2 * shown.value.half);

/** A point of the plane in the drawing. */
const toDrawing = ([a, b]: Point): Point => [SIDE / 2 + a * scaleOf(), SIDE / 2 - b * scaleOf()];

/** What a drag moves. */
type Grip = "point" | "linf" | "l2";

const length = ([a, b]: Point): number => Math.hypot(a, b);

/** The corner of a section that is farthest to the right, where the ball is dragged. */
const cornerOf = (section: readonly Point[]): Point =>
  section.reduce((best, one) => (one[0] > best[0] ? one : best));

/** Where the circle is dragged. */
const circleGrip = (radius: number): Point => [radius * Math.SQRT1_2, -radius * Math.SQRT1_2];

function drag(grip: Grip, to: Point, { section, settings }: SliceFacts): void {
  if (grip === "point") {
    movePoint(to);
    return;
  }
  const radii = drawnRadii.value;
  if (grip === "l2") {
    drawnRadii.value = { linf: radii.linf, l2: Math.max(length(to), 1e-6) };
    return;
  }
  const corner = cornerOf(section);
  const along = (to[0] * corner[0] + to[1] * corner[1]) / length(corner) ** 2;
  drawnRadii.value = { linf: Math.max(1e-6, settings.linf * along), l2: radii.l2 };
}

const starPoints = ([x, y]: Point): string =>
  Array.from({ length: 10 }, (_, i) => {
    const [size, angle] = [i % 2 === 0 ? 9 : 4, (Math.PI * i) / 5 - Math.PI / 2];
    return `${(x + size * Math.cos(angle)).toFixed(1)},${(y + size * Math.sin(angle)).toFixed(1)}`;
  }).join(" ");

/** What is at a place, for a drag that begins there. */
function gripAt(x: number, y: number, facts: SliceFacts): Grip {
  const near = (at: Point) => {
    const [u, v] = toDrawing(at);
    return Math.hypot(u - x, v - y) < 16;
  };
  if (near(circleGrip(drawnRadii.value.l2))) return "l2";
  const factor = drawnRadii.value.linf / facts.settings.linf;
  const [a, b] = cornerOf(facts.section);
  return near([a * factor, b * factor]) ? "linf" : "point";
}

/** A star with its name, on the side where there is room. */
function Mark({ at, name }: { readonly at: Point; readonly name: string }) {
  const [x, y] = at;
  const isRight = x > 0.7 * SIDE;
  return (
    <>
      <polygon points={starPoints(at)} />
      <text x={isRight ? x - 14 : x + 14} y={y - 8} text-anchor={isRight ? "end" : "start"}>
        {name}
      </text>
    </>
  );
}

/** The plane with the decisions, both balls, both attacks and the point. */
export function Plane({ facts, classes }: { facts: SliceFacts; classes: readonly string[] }) {
  const grip = useRef<Grip | null>(null);
  const factor = drawnRadii.value.linf / facts.settings.linf;
  const section = facts.section.map(([a, b]): Point => toDrawing([a * factor, b * factor]));
  const [cx, cy] = toDrawing([0, 0]);
  const [px, py] = toDrawing(point.value);
  const [a, b] = cornerOf(facts.section);
  const grips: readonly Point[] = [
    toDrawing([a * factor, b * factor]),
    toDrawing(circleGrip(drawnRadii.value.l2)),
  ];
  const placeOf = (event: PointerEvent): Point => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * SIDE,
      ((event.clientY - box.top) / box.height) * SIDE,
    ];
  };
  const toPlane = ([x, y]: Point): Point => [
    (x - SIDE / 2) / scaleOf(),
    (SIDE / 2 - y) / scaleOf(),
  ];
  return (
    <div class="plane">
      <Regions />
      <svg
        viewBox={`0 0 ${SIDE} ${SIDE}`}
        role="img"
        aria-label={`Decisions of the network around the image. The ℓ∞ attack gives ${classes[facts.linf.prediction]}, the ℓ2 attack gives ${classes[facts.l2.prediction]}.`}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          const at = placeOf(event);
          grip.current = gripAt(...at, facts);
          drag(grip.current, toPlane(at), facts);
        }}
        onPointerMove={(event) => {
          if (grip.current !== null) drag(grip.current, toPlane(placeOf(event)), facts);
        }}
        onPointerUp={() => {
          grip.current = null;
        }}
        onPointerCancel={() => {
          grip.current = null;
        }}
        onWheel={(event) => {
          event.preventDefault();
          zoomPlane(event.deltaY < 0 ? 1 / 1.2 : 1.2);
        }}
      >
        <polygon class="ball-line" points={section.map((one) => one.join(",")).join(" ")} />
        <circle class="ball-line" cx={cx} cy={cy} r={drawnRadii.value.l2 * scaleOf()} />
        {grips.map(([x, y], i) => (
          <circle key={i} class="grip" cx={x} cy={y} r="6" />
        ))}
        <circle class="image-mark" cx={cx} cy={cy} r="4" />
        <g class="attack-mark">
          <Mark at={toDrawing(facts.linf.at)} name="ℓ∞ attack" />
          <Mark at={toDrawing(facts.l2.at)} name="ℓ2 attack" />
        </g>
        <circle class="point" cx={px} cy={py} r="8" />
      </svg>
    </div>
  );
}
