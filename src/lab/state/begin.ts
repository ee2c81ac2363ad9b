import { followScenes } from "./attack.ts";
import { findAudit } from "./audit.ts";
import { followGuarantees } from "./guarantees.ts";
import { attacks, findDevices, loadShipped, openShipped, runtime, useNoise } from "./model.ts";
import { followNorms } from "./norms.ts";
import { followOwn } from "./own.ts";
import { addedNoise, followScene, networkName, readScene, threads } from "./scene.ts";
import { followSlice } from "./slice.ts";
import { beginWorker, busy, lab, unwrapped } from "./worker.ts";

/** Brings the page to life: the scene of its address, the runtime, a model, and its images. */
export async function begin(): Promise<void> {
  readScene(location.search);
  beginWorker(threads.value);
  followScene();
  busy.value = "starting WebAssembly";
  const [started, known] = [unwrapped(lab.start(threads.value)), lab.attacks()];
  await loadShipped();
  const opened = openShipped(networkName.value);
  attacks.value = await known;
  followScenes();
  followNorms();
  followOwn();
  followSlice();
  followGuarantees();
  const noise = addedNoise.value;
  runtime.value = await started;
  await opened;
  if (noise !== "") await useNoise(noise);
  await findDevices();
  await findAudit();
}
