import { expose } from "comlink";
import { webRuntime } from "../../web.ts";
import { Lab } from "./lab.ts";

/** Lets the page call the lab. */
export const exposeLab = (): void =>
  expose(new Lab((device, threads) => webRuntime({ device, threads })));
