import { followScenes } from "./attack.ts";
import { findAudit } from "./audit.ts";
import { attacks, loadShipped, openShipped, runtime } from "./model.ts";
import { followNorms } from "./norms.ts";
import { followOwn } from "./own.ts";
import { followScene, networkName, readScene } from "./scene.ts";
import { busy, lab, unwrapped } from "./worker.ts";

/** Brings the page to life: the scene of its address, the runtime, a model, and its images. */
export async function begin(): Promise<void> {
  readScene(location.search);
  followScene();
  busy.value = "starting WebAssembly";
  const [facts] = await Promise.all([unwrapped(lab.start()), loadShipped()]);
  runtime.value = facts;
  attacks.value = await lab.attacks();
  followScenes();
  followNorms();
  followOwn();
  await openShipped(networkName.value);
  await findAudit();
}
