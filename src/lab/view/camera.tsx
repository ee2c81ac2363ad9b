import { signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { takePhoto } from "../state/own.ts";
import { problem } from "../state/worker.ts";

/** The camera while it is on. */
const stream = signal<MediaStream | null>(null);

async function open(): Promise<void> {
  try {
    stream.value = await navigator.mediaDevices.getUserMedia({ video: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    problem.value = { usage: true, message: `the camera cannot be used: ${reason}` };
  }
}

function close(): void {
  for (const track of stream.value?.getTracks() ?? []) track.stop();
  stream.value = null;
}

/** Takes the present frame of the video, and turns the camera off. */
async function take(video: HTMLVideoElement): Promise<void> {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  close();
  if (blob !== null) await takePhoto(blob);
}

/** A button that opens the camera; its images stay in the page. */
export function Camera() {
  const video = useRef<HTMLVideoElement>(null);
  const live = stream.value;
  useLayoutEffect(() => {
    if (video.current !== null) video.current.srcObject = live;
  }, [live]);
  if (live === null)
    return (
      <button type="button" onClick={() => void open()}>
        Camera
      </button>
    );
  return (
    <div class="camera">
      <video ref={video} autoplay playsinline muted />
      <button type="button" onClick={() => video.current !== null && void take(video.current)}>
        Take the image
      </button>
      <button type="button" onClick={close}>
        Close
      </button>
    </div>
  );
}
