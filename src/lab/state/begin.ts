import { followScenes } from "./attack.ts";
import { findAudit } from "./audit.ts";
import { followGuarantees } from "./guarantees.ts";
import { attacks, findDevices, loadShipped, openShipped, runtime, useNoise } from "./model.ts";
import { followNorms } from "./norms.ts";
import { followOwn } from "./own.ts";
import { addedNoise, followScene, networkName, readScene, threads } from "./scene.ts";
import { followSlice } from "./slice.ts";
import { busy, lab, unwrapped } from "./worker.ts";

/** Brings the page to life: the scene of its address, the runtime, a model, and its images. */
export async function begin(): Promise<void> {
  readScene(location.search);
  followScene();
  busy.value = "starting WebAssembly";
  const [facts] = await Promise.all([unwrapped(lab.start(threads.value)), loadShipped()]);
  runtime.value = facts;
  attacks.value = await lab.attacks();
  followScenes();
  followNorms();
  followOwn();
  followSlice();
  followGuarantees();
  const noise = addedNoise.value;
  await openShipped(networkName.value);
  if (noise !== "") await useNoise(noise);
  await findDevices();
  await findAudit();
}
