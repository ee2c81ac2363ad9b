import { useLayoutEffect, useRef } from "preact/hooks";
import type { Picture } from "../protocol.ts";
import { ownImages, pictures, showSamples } from "../state/model.ts";
import { imageIndex, networkName } from "../state/scene.ts";
import { Camera } from "./camera.tsx";
import { Choose } from "./choose.tsx";
import { rgbaOf } from "./pixels.ts";

function Thumbnail({ picture, index }: { readonly picture: Picture; readonly index: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    canvas.current?.getContext("2d")?.putImageData(rgbaOf(picture.pixels, picture.shape), 0, 0);
  }, [picture]);
  return (
    <button
      type="button"
      class="thumbnail"
      aria-pressed={imageIndex.value === index}
      aria-label={picture.name}
      title={picture.name}
      onClick={() => {
        imageIndex.value = index;
      }}
    >
      <canvas ref={canvas} width={picture.shape[2]} height={picture.shape[1]} />
    </button>
  );
}

/** The images to choose from. */
export function ImagePanel() {
  return (
    <section class="panel" aria-labelledby="image-title">
      <h2 id="image-title">Image</h2>
      <div class="thumbnails">
        {pictures.value.map((picture, index) => (
          <Thumbnail key={`${index} ${picture.name}`} picture={picture} index={index} />
        ))}
      </div>
      <div class="row start">
        <Choose text="Open images …" accept="image/*" isFolder={false} />
        <Choose text="Folder …" accept="" isFolder={true} />
        <Camera />
        {ownImages.value.length > 0 && networkName.value !== "file" && (
          <button type="button" onClick={() => void showSamples()}>
            Samples
          </button>
        )}
      </div>
      <p class="hint">Or drop a model, images, or a folder per class anywhere on the page.</p>
    </section>
  );
}
