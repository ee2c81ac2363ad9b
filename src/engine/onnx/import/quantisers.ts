// Quantisers of QONNX, which Brevitas exports and FINN imports (Pappalardo et al. 2022,
// arXiv:2206.07527):
// https://github.com/fastmachinelearning/qonnx/tree/main/docs/qonnx-custom-ops
//
// Version 1: IntQuant (formerly Quant), BipolarQuant, FloatQuant, Trunc. Version 2: Trunc states
// the scale of its output.

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { type Importers, type ImportNode, unknownValue } from "./import-node.ts";
import { roundedToFloat } from "./minifloat.ts";
import { stepwise } from "./stepwise.ts";

const num = (x: Value, value: number): Value => g.scalarLike(x, value);

/** sign(x)·f(|x|). */
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
  const name = node.string("rounding_mode", fallback).toUpperCase();
  if (!Object.hasOwn(roundings, name))
    throw unknownValue(node, "rounding_mode", name, Object.keys(roundings));
  return roundings[name];
}

/** A scale, zero point or bit width in the dtype of x and a shape that broadcasts to x. */
const parameter = (node: ImportNode, i: number, x: Value): Value => {
  const v = g.cast(node.input(i), x.dtype);
  return v.shape.length === 1 && v.shape[0] === 1 ? g.reshape(v, []) : v;
};

/** x clipped to the range of integers of `bits` bits. `bits` may differ between channels. */
function clamped(node: ImportNode, x: Value, bits: Value): Value {
  const signed = node.int("signed", 1) === 1;
  const narrow = node.int("narrow", 0) === 1;
  const two = num(x, 2);
  const half = g.pow(two, g.sub(bits, num(x, 1)));
  const zero = num(x, 0);
  const low = signed ? g.add(g.neg(half), num(x, narrow ? 1 : 0)) : zero;
  const high = signed ? g.sub(half, num(x, 1)) : g.sub(g.mul(half, two), num(x, narrow ? 2 : 1));
  const [min, max] = [low, high].map((v) => node.constantOf(v));
  const limits = [min, max].flatMap((array) =>
    array === null ? [] : Array.from(array.data, Number),
  );
  // A number of bits that is not whole gives limits that float32 rounds.
  if (limits.length === 2 && limits.every(Number.isInteger)) return g.clip(x, limits[0], limits[1]);
  return g.minimum(g.maximum(x, low), high);
}

/** 1 for x ≥ 0, else −1. */
const bipolar = (x: Value): Value => g.where(g.greater(num(x, 0), x), num(x, -1), num(x, 1));

/**
 * (x, scale, zero point, bits) ↦ (round(clip(x/scale + zero)) − zero)·scale. A signed integer of
 * one bit is ±1.
 */
function intQuant(node: ImportNode): Value {
  const x = node.input(0);
  const [scale, zero, bits] = [1, 2, 3].map((i) => parameter(node, i, x));
  const divided = g.add(g.div(x, scale), zero);
  const width = node.constantOf(bits);
  const isBipolar =
    node.int("signed", 1) === 1 && width?.data.every((v) => Number(v) === 1) === true;
  const rounding = roundingOf(node, "ROUND");
  const inside = isBipolar ? divided : clamped(node, divided, bits);
  const rounded = stepwise(node, isBipolar ? bipolar(inside) : rounding(inside), inside);
  return g.mul(g.sub(rounded, zero), scale);
}

/** (x, scale) ↦ ±scale by the sign of x. */
function bipolarQuant(node: ImportNode): Value {
  const x = node.input(0);
  return g.mul(stepwise(node, bipolar(x), x), parameter(node, 1, x));
}

/**
 * (x, scale, exponent bits, mantissa bits, exponent bias, max?) ↦ scale·round(x/scale) in a
 * minifloat, saturating at ±max.
 */
function floatQuant(node: ImportNode): Value {
  const x = node.input(0);
  const [scale, exponents, mantissa, bias] = [1, 2, 3, 4].map((i) => parameter(node, i, x));
  if (node.int("saturation", 1) === 0)
    throw node.unsupported(
      "saturation 0 is not supported: values outside the range would become infinite or NaN, without a gradient",
    );
  const divided = g.div(x, scale);
  const minExponent = g.sub(num(x, 1), bias);
  const rounded = roundedToFloat(divided, { mantissa, minExponent }, roundingOf(node, "ROUND"));
  const two = num(x, 2);
  // The largest number has all bits set: (2 − 2^−mantissa)·2^(2^exponents − 1 − bias).
  const topPower = g.pow(two, g.sub(g.sub(g.pow(two, exponents), num(x, 1)), bias));
  const largest = g.mul(g.sub(two, g.pow(two, g.neg(mantissa))), topPower);
  const max = node.inputs[5] === undefined ? largest : g.minimum(largest, parameter(node, 5, x));
  const y = stepwise(node, rounded, divided);
  return g.mul(g.minimum(g.maximum(y, g.neg(max)), max), scale);
}

/** (x, scale, zero point, bits, new scale?, new bits) ↦ x without its lowest bits. Version 2 has the new scale. */
function trunc(node: ImportNode): Value {
  const x = node.input(0);
  const [scale, zero, bits] = [1, 2, 3].map((i) => parameter(node, i, x));
  const isVersion2 = node.inputs.length > 5;
  const newScale = isVersion2 ? parameter(node, 4, x) : scale;
  const newBits = parameter(node, isVersion2 ? 5 : 4, x);
  const two = num(x, 2);
  const log2 = (v: Value) => g.mul(g.log(v), num(v, Math.LOG2E));
  const removedBits = isVersion2 ? g.round(log2(g.div(newScale, scale))) : g.sub(bits, newBits);
  const divisor = g.pow(two, removedBits);
  const divided = g.add(g.div(x, scale), zero);
  const shifted = g.div(stepwise(node, g.round(divided), divided), divisor);
  const inside = isVersion2 ? clamped(node, shifted, newBits) : shifted;
  const rounded = stepwise(node, roundingOf(node, "FLOOR")(inside), inside);
  return g.mul(g.sub(rounded, isVersion2 ? g.div(zero, divisor) : zero), newScale);
}

/** Domains of these operators; exporters have used several. */
export const quantiserDomains = [
  "qonnx.custom_op.general",
  "onnx.brevitas",
  "finn.custom_op.general",
] as const;

/** Importers of the quantisers of QONNX. */
export const quantisers: Importers = {
  Quant: intQuant,
  IntQuant: intQuant,
  BipolarQuant: bipolarQuant,
  FloatQuant: floatQuant,
  Trunc: trunc,
};
