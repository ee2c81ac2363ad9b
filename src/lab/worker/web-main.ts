// The entry of the worker. It is small, so that WebAssembly starts while the library is on its way.
import { beginOrt } from "../../engine/runtime/web-start.ts";
import type { BeginMessage } from "../protocol-basics.ts";
import { threadCount } from "./thread-count.ts";

/** Messages for the library, which is not there yet. */
const held: MessageEvent[] = [];

const isBegin = (data: object): data is BeginMessage => "beginWithThreads" in data;

function receive(event: MessageEvent<object>): void {
  const { data } = event;
  if (isBegin(data))
    beginOrt("wasm", { threads: threadCount(data.beginWithThreads), addresses: {} });
  else held.push(event);
}

addEventListener("message", receive);
void import("./web-lab.ts").then(({ exposeLab }) => {
  removeEventListener("message", receive);
  exposeLab();
  for (const { data, ports } of held)
    dispatchEvent(new MessageEvent("message", { data, ports: ports.slice() }));
});
