import { expect, it } from "vitest";
import { defenseNamed } from "../defenses/table.ts";
import { keyOf } from "../math/random.ts";
import { architecture } from "../models/architectures.ts";
import { initialParameters } from "../models/initial.ts";
import { firstWeights } from "./first-weights.ts";

const network = architecture("cnn-small", {
  shape: [1, 8, 8],
  classes: 3,
  mean: [0.5],
  std: [0.25],
});
const own = initialParameters(network, keyOf(4));
const weights = (defense: string, areTrained?: boolean) =>
  firstWeights(network, defenseNamed(defense), keyOf(4), areTrained);

it("a defence with weights of its own draws them for a new network, each from a key of its own", () => {
  const drawn = weights("ibp");
  for (const { name, shape } of network.parameters) {
    if (shape.length < 2) expect(drawn[name], name).toEqual(own[name]);
    else expect(drawn[name], name).not.toEqual(own[name]);
  }
  expect(drawn["conv1.weight"].data.slice(0, 9)).not.toEqual(
    drawn["conv2.weight"].data.slice(0, 9),
  );
});

it("the weights of a file stay, and so do those of a network whose defence draws none", () => {
  expect(weights("ibp", true)).toEqual(own);
  expect(weights("at-linf")).toEqual(own);
});
