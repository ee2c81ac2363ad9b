// The entry of the worker.
import { expose } from "comlink";
import { webRuntime } from "../../web.ts";
import { Lab } from "./lab.ts";

expose(new Lab((device, threads) => webRuntime({ device, threads })));
