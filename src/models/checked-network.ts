// Checks of a network that a plug-in or a caller defined. Built-in networks are not checked.
import { isFloatExpression, type Value } from "../engine/graph/value.ts";
import { badPlugin, callPlugin, type PluginDefinition, requireResult } from "../math/plugin.ts";
import type { Key } from "../math/random.ts";
import { isShape } from "../math/tensor.ts";
import type { Architecture, Forward, Mode, ParameterSpec } from "./architecture.ts";
import { isSlot } from "./slot-names.ts";

/** Throws `bad-plugin` unless the parameters are specifications with distinct names. */
function requireParameters(self: PluginDefinition, parameters: unknown): void {
  if (!Array.isArray(parameters))
    throw badPlugin(self, "needs parameters: a list of { name, shape, trainable, init }");
  const names = new Set<string>();
  for (const given of parameters) {
    const { name, shape, trainable, init } = (given ?? {}) as Partial<ParameterSpec>;
    if (typeof name !== "string" || name === "" || isSlot(name))
      throw badPlugin(self, `has a parameter whose name is ${JSON.stringify(name) ?? "missing"}`);
    if (names.has(name)) throw badPlugin(self, `has two parameters named ${name}`);
    names.add(name);
    if (!isShape(shape))
      throw badPlugin(
        self,
        `has a parameter ${name} whose shape is not a list of positive integers`,
      );
    if (typeof trainable !== "boolean" || typeof init !== "function")
      throw badPlugin(self, `has a parameter ${name} without trainable, or without init(key)`);
  }
}

const shapeText = (value: Value | undefined): string => value?.shape?.join(", ") ?? "none";

/** Throws `bad-plugin` unless logits are [batch, classes], and each running statistic has the shape of its array. */
function requireForward(
  self: PluginDefinition,
  network: Architecture,
  x: Value,
  made: unknown,
): void {
  const { logits, statistics } = (made ?? {}) as Partial<Forward>;
  const wanted = [x.shape[0], network.classes];
  if (!isFloatExpression(logits, wanted))
    throw badPlugin(
      self,
      `returned logits of shape [${shapeText(logits)}] from forward, and must return { logits, statistics } with logits [${wanted.join(", ")}] for images [${x.shape.join(", ")}]`,
    );
  if (typeof statistics !== "object" || statistics === null)
    throw badPlugin(self, "returned no statistics from forward; return {} where there are none");
  for (const [name, value] of Object.entries(statistics)) {
    const spec = network.parameters.find((one) => one.name === name && !one.trainable);
    if (spec === undefined || !isFloatExpression(value, spec.shape))
      throw badPlugin(
        self,
        `returned a statistic ${name} that is not a separate array with trainable: false and that shape`,
      );
  }
}

/**
 * The same network, whose functions throw `UsageError` with the code `bad-plugin` for exceptions, for arrays of a wrong shape,
 * and for parameters that it does not list.
 */
export function checkedNetwork(self: PluginDefinition, network: Architecture): Architecture {
  requireParameters(self, network.parameters);
  if (typeof network.forward !== "function")
    throw badPlugin(self, "needs a function forward(x, parameter, mode)");
  const parameters = network.parameters.map((spec) => ({
    name: spec.name,
    shape: spec.shape,
    trainable: spec.trainable,
    init(key: Key) {
      const call = `init of ${spec.name}`;
      return requireResult(
        self,
        call,
        callPlugin(self, call, () => spec.init(key)),
        spec.shape,
      );
    },
  }));
  const names = new Set(parameters.map(({ name }) => name));
  return {
    ...network,
    parameters,
    forward(x: Value, parameter: (name: string) => Value, mode: Mode) {
      const listed = (name: string) => {
        if (names.has(name)) return parameter(name);
        throw badPlugin(self, `asks for parameter ${JSON.stringify(name)}, which it does not list`);
      };
      const made = callPlugin(self, "forward", () => network.forward(x, listed, mode));
      requireForward(self, network, x, made);
      return made;
    },
  };
}
