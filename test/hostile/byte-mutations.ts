import type { Draws } from "./draws.ts";

/** Bytes changed without knowing what they mean; none is left as it was. */
export const byteMutations: Readonly<
  Record<string, (bytes: Uint8Array, draws: Draws) => Uint8Array>
> = {
  flips: (bytes, draws) => {
    const out = bytes.slice();
    for (let i = draws.below(8); i >= 0; i--) out[draws.below(out.length)] ^= 1 << draws.below(8);
    return out;
  },
  "flips in the structure": (bytes, draws) => {
    // The messages of nodes stand at the beginning, before the arrays.
    const out = bytes.slice();
    const end = Math.min(out.length, 1500);
    for (let i = draws.below(4); i >= 0; i--) out[draws.below(end)] ^= 1 << draws.below(8);
    return out;
  },
  truncation: (bytes, draws) => bytes.slice(0, draws.below(bytes.length)),
  insertion: (bytes, draws) => {
    const at = draws.below(bytes.length);
    const more = Uint8Array.from({ length: 1 + draws.below(40) }, () => draws.below(256));
    return Uint8Array.of(...bytes.subarray(0, at), ...more, ...bytes.subarray(at));
  },
  deletion: (bytes, draws) => {
    const at = draws.below(bytes.length);
    const rest = bytes.subarray(Math.min(at + 1 + draws.below(40), bytes.length));
    return Uint8Array.of(...bytes.subarray(0, at), ...rest);
  },
  "a varint without end": (bytes, draws) => {
    const out = bytes.slice();
    out.fill(0xff, draws.below(out.length), out.length - draws.below(out.length));
    const at = draws.below(out.length);
    out.fill(0xff, at, at + 1 + draws.below(12));
    return out;
  },
  "a piece repeated": (bytes, draws) => {
    const [at, length] = [draws.below(bytes.length), 1 + draws.below(400)];
    const piece = bytes.subarray(at, at + length);
    return Uint8Array.of(...bytes.subarray(0, at), ...piece, ...bytes.subarray(at));
  },
  "a piece moved": (bytes, draws) => {
    const out = bytes.slice();
    const length = 1 + draws.below(100);
    const to = draws.below(out.length);
    out.copyWithin(to, draws.below(out.length), draws.below(out.length) + length);
    return out;
  },
};
