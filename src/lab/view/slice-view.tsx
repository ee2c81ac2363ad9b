import type { ModelFacts } from "../protocol.ts";
import { clean } from "../state/attack.ts";
import { model, picture } from "../state/model.ts";
import {
  drawn,
  drawnRadii,
  inside,
  place,
  point,
  share,
  shown,
  slice,
  zoomPlane,
} from "../state/slice.ts";
import { colourOf } from "./class-colours.ts";
import { RadiusSlider, Slider } from "./form-parts.tsx";
import { normSigns, percent, short } from "./numbers.ts";
import { PictureCanvas } from "./picture-canvas.tsx";
import { Plane } from "./plane.tsx";
import { largestRadius } from "./radii.ts";

/** The classes that the drawn part of the plane has, with their share. */
function Legend({ network }: { readonly network: ModelFacts }) {
  const regions = drawn.value?.regions ?? [];
  const counts = new Map<number, number>();
  for (const one of regions) counts.set(one, (counts.get(one) ?? 0) + 1);
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return (
    <ul class="legend" aria-label="Classes in this part of the plane">
      {sorted.map(([one, count]) => (
        <li key={one}>
          <span class="swatch" style={{ background: colourOf(one) }} />
          {network.classes[one]}{" "}
          <span class="quiet">{percent(count / Math.max(1, regions.length))}</span>
        </li>
      ))}
    </ul>
  );
}

function Form() {
  const { linf, l2 } = drawnRadii.value;
  return (
    <form class="form" onSubmit={(event) => event.preventDefault()}>
      <RadiusSlider
        text="ℓ∞ ball"
        isLive={true}
        value={linf}
        most={largestRadius("linf", model.value)}
        set={(value) => {
          drawnRadii.value = { linf: value, l2 };
        }}
      />
      <RadiusSlider
        text="ℓ2 ball"
        isLive={true}
        value={l2}
        most={largestRadius("l2", model.value)}
        set={(value) => {
          drawnRadii.value = { linf, l2: value };
        }}
      />
      <div class="transport">
        <button type="button" onClick={() => zoomPlane(1 / 1.5)}>
          Closer
        </button>
        <button type="button" onClick={() => zoomPlane(1.5)}>
          Farther
        </button>
      </div>
    </form>
  );
}

/** `inside both balls`, `inside the ℓ2 ball alone`. */
function placeText(): string {
  const { linf, l2 } = inside.value;
  if (linf && l2) return "inside both balls";
  if (linf) return "inside the ℓ∞ ball alone";
  return l2 ? "inside the ℓ2 ball alone" : "outside both balls";
}

/** One coordinate of the point, for the keyboard. */
function Coordinate({ axis, name }: { readonly axis: 0 | 1; readonly name: string }) {
  const { half } = shown.value;
  return (
    <Slider
      text={name}
      shown={short(Number(point.value[axis].toFixed(4)))}
      min={-half}
      max={half}
      step={half / 50}
      value={point.value[axis]}
      isLive={true}
      set={(value) => {
        point.value = axis === 0 ? [value, point.value[1]] : [point.value[0], value];
      }}
    />
  );
}

/** The image at the point. */
function Place({ network }: { readonly network: ModelFacts }) {
  const found = place.value;
  if (found === null) return <p class="quiet">Drag the point in the plane.</p>;
  const { prediction, probabilities } = found.answer;
  return (
    <>
      <PictureCanvas pixels={found.pixels} shape={network.shape} label="Image at the point" />
      <p>
        <b>{`${network.classes[prediction]} ${percent(probabilities[prediction])}`}</b>,{" "}
        {placeText()}
      </p>
      <dl class="sizes" aria-label="Distance from the image">
        {(["linf", "l2"] as const).map((norm) => (
          <div key={norm}>
            <dt>{normSigns[norm]}</dt>
            <dd>{short(found.sizes[norm])}</dd>
          </div>
        ))}
      </dl>
      <Coordinate axis={0} name="Along the ℓ∞ attack" />
      <Coordinate axis={1} name="Across, towards the ℓ2 attack" />
    </>
  );
}

/** Figure 1 of the paper on the page's image. */
export function SliceView() {
  const [network, one, before] = [model.value, picture.value, clean.value];
  if (network === null || one === null || before === null)
    return <p class="empty">{network === null ? "" : "Choose an image."}</p>;
  const found = slice.value;
  return (
    <>
      <p class="lead">
        A cut through the space of all images. The image is in the middle. One attack in the ℓ∞ ball
        and one in the ℓ2 ball give the two directions. Colours are what the network answers there.
      </p>
      {found === null ? (
        <p class="empty" role="status">
          Attacking in both balls …
        </p>
      ) : (
        <>
          <Form />
          <div class="columns wide-first">
            <section class="panel" aria-label="The plane of both attacks">
              <Plane facts={found} classes={network.classes} />
              <progress aria-label="Cells decided" value={share.value} max={1} />
              <Legend network={network} />
            </section>
            <section class="panel place" aria-label="The image at the point">
              <Place network={network} />
            </section>
          </div>
          <p class="quiet">
            {`Drag the point, or the edge of a ball. The ℓ∞ ball is the polygon, the ℓ2 ball is the circle; at first they have equal volume. The angle between the attacks is ${Math.round((180 / Math.PI) * Math.acos(Math.min(1, Math.max(-1, found.cosine))))}°. Pixels are not clipped to [0, 1] in the plane.`}
          </p>
        </>
      )}
    </>
  );
}
