import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { fold, keyOf } from "../../src/math/random.ts";
import { bombs } from "./bombs.ts";
import { byteMutations } from "./byte-mutations.ts";
import { type Draws, drawsOf } from "./draws.ts";
import { type Seed, seeds } from "./seeds.ts";
import { structureMutations } from "./structure-mutations.ts";
import { unrolledBombs } from "./unrolled-bombs.ts";

/** A damaged file, and what lies beside it. */
export interface Mutant {
  /** What was damaged, and how. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly beside: Readonly<Record<string, Uint8Array>>;
}

const known = Object.entries({ ...bombs, ...unrolledBombs });

/** Files that nothing was done to, then those that ask for much, come before the damaged ones. */
export const firstMutant: number = seeds.length + known.length;

/** Two of three are damaged in one to three fields of their messages, the others in their bytes; some in both. */
function damaged({ name, bytes, beside = {} }: Seed, draws: Draws): Mutant {
  let out: Uint8Array = bytes;
  const how: string[] = [];
  if (draws.chance(0.67)) {
    const model = fromBinary(ModelProtoSchema, bytes);
    for (let i = draws.of([1, 1, 1, 2, 3]); i > 0; i--) {
      const [what, mutate] = draws.of(Object.entries(structureMutations));
      mutate(model, draws);
      how.push(what);
    }
    out = toBinary(ModelProtoSchema, model);
  }
  if (how.length === 0 || draws.chance(0.05)) {
    const [what, mutate] = draws.of(Object.entries(byteMutations));
    out = mutate(out, draws);
    how.push(what);
  }
  return { name: `${name}: ${how.join(", ")}`, bytes: out, beside };
}

/** The i-th file; the same one on every machine. */
export function mutant(i: number): Mutant {
  if (i < seeds.length) return { beside: {}, ...seeds[i] };
  if (i < firstMutant) {
    const [name, make] = known[i - seeds.length];
    return { name, bytes: make(), beside: {} };
  }
  const draws = drawsOf(fold(keyOf(9), i));
  return damaged(draws.of(seeds), draws);
}
