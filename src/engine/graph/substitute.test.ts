import { expect, it } from "vitest";
import { add, input, mul, neg } from "./ops.ts";
import { nameOrigin, originOf } from "./origins.ts";
import { substitute } from "./substitute.ts";

it("nodes that are made anew keep the origin of the old ones, for messages", () => {
  const [x, weight, trained] = ["x", "weight", "trained"].map((name) => input(name, [2]));
  const first = mul(x, weight);
  nameOrigin([first], [x, weight], 'node "first"');
  const last = neg(add(first, x));
  nameOrigin([last], [first, x], 'node "last"');
  const replaced = new Map([[weight, trained]]);
  const made = substitute(last, replaced);
  expect(made).not.toBe(last);
  expect(originOf(made)).toBe('node "last"');
  expect(originOf(replaced.get(first) ?? x)).toBe('node "first"');
  expect(originOf(trained)).toBeUndefined();
});
