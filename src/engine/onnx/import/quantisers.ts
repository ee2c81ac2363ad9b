// Quantisers of QONNX, which Brevitas writes and FINN reads (Pappalardo et al. 2022, arXiv:2206.07527):
// https://github.com/fastmachinelearning/qonnx/tree/main/docs/qonnx-custom-ops
//
// Version 1: IntQuant (first named Quant), BipolarQuant, FloatQuant, Trunc. Version 2: Trunc states its output's scale.

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { stepwise } from "./elementwise.ts";
import type { Importers, ImportNode } from "./import-node.ts";
import { roundedToFloat } from "./minifloat.ts";

const num = (x: Value, value: number): Value => g.scalarLike(x, value);

/** f on magnitudes, with the sign put back. */
const byMagnitude =
  (f: (x: Value) => Value) =>
  (x: Value): Value =>
    g.mul(g.sign(x), f(g.abs(x)));

const roundings: Readonly<Record<string, (x: Value) => Value>> = {
  ROUND: g.round,
  HALF_EVEN: g.round,
  CEIL: g.ceil,
  FLOOR: g.floor,
  UP: byMagnitude(g.ceil),
  DOWN: byMagnitude(g.floor),
  ROUND_TO_ZERO: byMagnitude(g.floor),
  HALF_UP: byMagnitude((x) => g.floor(g.add(x, num(x, 0.5)))),
  HALF_DOWN: byMagnitude((x) => g.ceil(g.sub(x, num(x, 0.5)))),
};

function roundingOf(node: ImportNode, fallback: string): (x: Value) => Value {
  const name = node.text("rounding_mode", fallback).toUpperCase();
  if (!Object.hasOwn(roundings, name))
    throw node.error(
      `rounds by ${JSON.stringify(name)}, which cannot be read; ${Object.keys(roundings).join(", ")} can`,
    );
  return roundings[name];
}

/** A scale, zero point or width as real numbers that x can be combined with. */
const parameter = (node: ImportNode, i: number, x: Value): Value => {
  const v = g.cast(node.input(i), x.dtype);
  return v.shape.length === 1 && v.shape[0] === 1 ? g.reshape(v, []) : v;
};

/** x within the whole numbers of `bits` bits; a width may differ between channels. */
function clamped(node: ImportNode, x: Value, bits: Value): Value {
  const signed = node.int("signed", 1) === 1;
  const narrow = node.int("narrow", 0) === 1;
  const two = num(x, 2);
  const half = g.pow(two, g.sub(bits, num(x, 1)));
  const zero = num(x, 0);
  const low = signed ? g.add(g.neg(half), num(x, narrow ? 1 : 0)) : zero;
  const high = signed ? g.sub(half, num(x, 1)) : g.sub(g.mul(half, two), num(x, narrow ? 2 : 1));
  const [least, most] = [low, high].map((v) => node.constantOf(v));
  if (least?.data.length === 1 && most?.data.length === 1)
    return g.clip(x, Number(least.data[0]), Number(most.data[0]));
  return g.minimum(g.maximum(x, low), high);
}

/** ±1 by the sign of x, 0 counting as positive. */
const bipolar = (x: Value): Value => g.where(g.greater(num(x, 0), x), num(x, -1), num(x, 1));

/** (x, scale, zero point, bits): (round(clip(x/scale + zero)) − zero)·scale. */
function intQuant(node: ImportNode): Value {
  const x = node.input(0);
  const [scale, zero, bits] = [1, 2, 3].map((i) => parameter(node, i, x));
  const divided = g.add(g.div(x, scale), zero);
  const width = node.constantOf(bits);
  const single = node.int("signed", 1) === 1 && width?.data.every((v) => Number(v) === 1) === true;
  const rounding = roundingOf(node, "ROUND");
  const inside = single ? divided : clamped(node, divided, bits);
  const whole = stepwise(node, single ? bipolar(inside) : rounding(inside), inside);
  return g.mul(g.sub(whole, zero), scale);
}

/** (x, scale): ±scale. */
function bipolarQuant(node: ImportNode): Value {
  const x = node.input(0);
  return g.mul(stepwise(node, bipolar(x), x), parameter(node, 1, x));
}

/** (x, scale, exponent bits, mantissa bits, exponent bias, largest): x/scale in a small floating-point format. */
function floatQuant(node: ImportNode): Value {
  const x = node.input(0);
  const [scale, exponents, mantissa, bias] = [1, 2, 3, 4].map((i) => parameter(node, i, x));
  if (node.int("saturation", 1) === 0)
    throw node.error("gives infinities or NaN beyond its range, which no gradient passes");
  const divided = g.div(x, scale);
  const lowest = g.sub(num(x, 1), bias);
  const rounded = roundedToFloat(divided, { mantissa, lowest }, roundingOf(node, "ROUND"));
  const two = num(x, 2);
  // The largest has all digits set: (2 − 2^−mantissa)·2^(2^exponents − 1 − bias).
  const top = g.pow(two, g.sub(g.sub(g.pow(two, exponents), num(x, 1)), bias));
  const largest = g.mul(g.sub(two, g.pow(two, g.neg(mantissa))), top);
  const most = node.inputs[5] === undefined ? largest : g.minimum(largest, parameter(node, 5, x));
  const kept = stepwise(node, rounded, divided);
  return g.mul(g.minimum(g.maximum(kept, g.neg(most)), most), scale);
}

/** (x, scale, zero point, bits, [new scale,] new bits): the lowest bits cut off. */
function trunc(node: ImportNode): Value {
  const x = node.input(0);
  const [scale, zero, bits] = [1, 2, 3].map((i) => parameter(node, i, x));
  const second = node.inputs.length > 5;
  const newScale = second ? parameter(node, 4, x) : scale;
  const newBits = parameter(node, second ? 5 : 4, x);
  const two = num(x, 2);
  const log2 = (v: Value) => g.mul(g.log(v), num(v, Math.LOG2E));
  const cut = second ? g.round(log2(g.div(newScale, scale))) : g.sub(bits, newBits);
  const divisor = g.pow(two, cut);
  const divided = g.add(g.div(x, scale), zero);
  const whole = g.div(stepwise(node, g.round(divided), divided), divisor);
  const inside = second ? clamped(node, whole, newBits) : whole;
  const rest = stepwise(node, roundingOf(node, "FLOOR")(inside), inside);
  return g.mul(g.sub(rest, second ? g.div(zero, divisor) : zero), newScale);
}

/** The domains that exporters of several years have written these operators into. */
export const quantiserDomains = [
  "qonnx.custom_op.general",
  "onnx.brevitas",
  "finn.custom_op.general",
] as const;

export const quantisers: Importers = {
  Quant: intQuant,
  IntQuant: intQuant,
  BipolarQuant: bipolarQuant,
  FloatQuant: floatQuant,
  Trunc: trunc,
};
