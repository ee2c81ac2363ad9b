// Generated from assembly/sums.ts by `npm run build:wasm`. Do not edit.

/** The WebAssembly module, in base64. */
export const wasm =
  "AGFzbQEAAAABBwFgA39/fwADAwIAAAUDAQAABxwDBmRvdWJsZQABBnNpbmdsZQAABm1lbW9yeQIACpIBAjEAA0AgACAA" +
  "/QAEACAB/QAEAP3kAf0LBAAgAEEQaiEAIAFBEGohASACQQFrIgINAAsLXgEBewNAIAAgAP0ABAAgAf0ABAAiA/1f/fAB" +
  "/QsEACAAIAD9AAQQIAMgA/0NCAkKCwwNDg8ICQoLDA0OD/1f/fAB/QsEECAAQSBqIQAgAUEQaiEBIAJBAWsiAg0ACws=";
