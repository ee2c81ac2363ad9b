import { balls, type Tensor } from "../../index.ts";
import { sub } from "../../math/tensor.ts";
import type { Sizes } from "../protocol.ts";

/** Sizes of x − y in each norm. */
export function sizesOf(x: Tensor, y: Tensor): Sizes {
  const delta = sub(x, y);
  const [linf, l2, l1] = (["linf", "l2", "l1"] as const).map((norm) => balls[norm].norm(delta)[0]);
  return { linf, l2, l1 };
}
