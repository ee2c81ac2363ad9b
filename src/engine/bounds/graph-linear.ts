// How a linear operator maps the centre and the radius of its inputs (Gowal et al. 2018, arXiv:1810.12715, Eq. 6), as
// expressions.

import { UsageError } from "../../math/usage-error.ts";
import * as g from "../graph/expressions.ts";
import { originOf } from "../graph/origins.ts";
import type { Value } from "../graph/value.ts";
import { type Constants, MOVING } from "./linear-rules.ts";

/** The maps of one node. Inputs that are constants are given as they are, to both maps. */
export interface LinearRule {
  centre(inputs: readonly Value[]): Value;
  radius(inputs: readonly Value[]): Value;
}

/** The same operator on other inputs. */
const again = ({ op, attrs, dtype, shape }: Value, inputs: readonly Value[]): Value =>
  g.node(op, inputs, attrs, dtype, shape);

const zeros = (like: Value): Value => g.expand(g.scalarLike(like, 0), like.shape);

/** The rule of a node that is linear in its inputs that are not constant; null for any other. */
export function linearRule(node: Value, constants: Pick<Constants, "is">): LinearRule | null {
  const isConstant = node.inputs.map((input) => constants.is(input));
  const [first, second] = isConstant;
  const varying = isConstant.filter((one) => !one).length;
  const { op } = node;
  const centre = (inputs: readonly Value[]) => again(node, inputs);
  const moved = { centre, radius: centre };
  /** |W| in place of W. */
  const sized = (inputs: readonly Value[]) =>
    again(
      node,
      inputs.map((one, i) => (isConstant[i] ? g.abs(one) : one)),
    );
  if (op === "Add" || op === "Sub")
    return {
      centre,
      radius: (inputs) =>
        inputs
          .filter((_, i) => !isConstant[i])
          .map((one) => g.expand(one, node.shape))
          .reduce(g.add),
    };
  if (op === "Neg") return { centre, radius: ([radius]) => radius };
  if (op === "Mul" || op === "MatMul") return varying === 1 ? { centre, radius: sized } : null;
  if (op === "Div" || op === "Conv") return !first && second ? { centre, radius: sized } : null;
  if (op === "Concat")
    return {
      centre,
      radius: (inputs) =>
        again(
          node,
          inputs.map((one, i) => (isConstant[i] ? zeros(one) : one)),
        ),
    };
  if (op === "Cast") return node.dtype.startsWith("float") ? moved : null;
  if (!MOVING.has(op) || first) return null;
  return op === "Gather" && !second ? null : moved;
}

/** The `UsageError` for a node that certified training has no bound for. */
export function withoutTrainingBound(node: Value): UsageError {
  const origin = originOf(node);
  const from = origin === undefined ? "" : `, from ${origin} of the file,`;
  return new UsageError(
    `certified training has no bounds for this network: operator ${node.op} of shape [${node.shape.join(", ")}]${from} has no rule`,
    {
      code: "misfit",
      next: "train a network of convolutions, linear layers, batch norms, pooling and non-decreasing activations, or choose another --defense",
    },
  );
}
