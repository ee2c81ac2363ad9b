// A file of anybody's as an expression of our graph.

import type { GraphProto, NodeProto, TensorProto } from "onnx-buf";
import * as g from "../graph/expressions.ts";
import { evaluateNode } from "../graph/interpret.ts";
import type { Value } from "../graph/value.ts";
import { workOf } from "../graph/work.ts";
import { type NdArray, sizeOf } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import {
  describeNode,
  type ImportNode,
  importNode,
  type Surroundings,
  type Translate,
} from "./import-node.ts";
import { domainOf, type OnnxModel } from "./model.ts";
import { decodeTensor } from "./tensors.ts";
import { translations } from "./translations.ts";

/** Values by the names that a graph gives them; a subgraph sees those around it. */
interface Scope {
  readonly values: Map<string, Value>;
  readonly outer: Scope | null;
}

const find = (scope: Scope | null, name: string): Value | undefined =>
  scope === null ? undefined : (scope.values.get(name) ?? find(scope.outer, name));

const decoded = new WeakMap<TensorProto, NdArray>();

/** An array of a file, decoded once for all graphs that are read from it. */
function decodedOnce(proto: TensorProto, { external }: OnnxModel): NdArray {
  const array = decoded.get(proto) ?? decodeTensor(proto, external);
  decoded.set(proto, array);
  return array;
}

/** What a file may hold: elements and axes of a single value, graphs within graphs, nodes with functions written out. */
const MOST_ELEMENTS = 2 ** 31;
const MOST_AXES = 64;
const MOST_DEPTH = 64;
const MOST_NODES = 20_000;

/** Elements of one array that may be computed while a file is read, and steps that all of them may take. */
const MOST_FOLDED = 2 ** 26;
const MOST_STEPS = 2 ** 25;
/** Steps per element that the file stores, of a file that stores more: chains on weights. */
const STEPS_PER_STORED = 32;

export interface ImportOptions {
  /** Whether rounding and the like hand their gradient through. */
  readonly straightThrough?: boolean;
  /**
   * Rewrites a file that is fixed to one batch to another: lengths in its reshapes, and constants that it joins to what
   * has a batch. What results must be checked against single runs.
   */
  readonly batch?: { readonly stated: number; readonly wanted: number };
}

/** Operators that draw random numbers of their own. */
const drawsNumbers = /^(Random(Normal|Uniform)(Like)?|Multinomial|Bernoulli)$/;

/** What a file became. */
export interface Imported {
  /** By the names of the file. */
  readonly outputs: Readonly<Record<string, Value>>;
  /** What whoever uses the gradients must know, each once. */
  readonly notes: readonly string[];
}

/**
 * The outputs of a file as expressions of `inputs`, which name and shape what is fed: dimensions that the file leaves
 * open are bound by them. Throws `UsageError` with the node's name where something cannot be read.
 */
export function importGraph(
  model: OnnxModel,
  inputs: Readonly<Record<string, Value>>,
  { straightThrough = false, batch }: ImportOptions = {},
): Imported {
  const notes = new Set<string>();
  const types = new Map<Value, number>();
  const constants = new Map<Value, NdArray | null>();
  const known = new Map<Value, boolean>();
  const elements = model.graph.initializer.reduce((sum, one) => sum + storedElements(one), 0);
  const mostSteps = Math.max(MOST_STEPS, STEPS_PER_STORED * elements);
  let steps = 0;
  let depth = 0;
  let nodes = 0;

  const isKnown = (value: Value): boolean =>
    settled(value, known, (node) =>
      node.op === "Input" ? false : node.inputs.every((input) => known.get(input) === true),
    );

  const constantOf = (value: Value): NdArray | null =>
    isKnown(value) ? settled(value, constants, evaluated) : null;

  function evaluated(node: Value): NdArray | null {
    const arrays = node.inputs.map((input) => constants.get(input) ?? null);
    if (arrays.includes(null) || sizeOf(node.shape) > MOST_FOLDED) return null;
    steps += workOf(node);
    if (!(steps <= mostSteps))
      throw new Error(
        `its constants take ${steps} steps to compute while the file is read, and ${mostSteps} are allowed`,
      );
    return evaluateNode(node, arrays as NdArray[]);
  }

  const around = (scope: Scope): Surroundings => ({
    constantOf,
    isKnown,
    straightThrough,
    batch: batch ?? null,
    elementType: (value) => types.get(value),
    typed(value, type) {
      types.set(value, type);
      return value;
    },
    decode: (tensor) => decodedOnce(tensor, model),
    subgraph: (graph) => run(graph, { values: new Map(), outer: scope }),
    note: (text) => notes.add(text),
  });

  function store(graph: GraphProto, scope: Scope): void {
    for (const tensor of graph.initializer) {
      if (scope.values.has(tensor.name)) continue;
      const value = g.constant(decodedOnce(tensor, model));
      types.set(value, tensor.dataType);
      scope.values.set(tensor.name, value);
    }
    const [sparse] = graph.sparseInitializer;
    if (sparse !== undefined)
      throw new UsageError(
        `array ${sparse.values?.name} is sparse, which cannot be read; store it densely`,
      );
  }

  function run(graph: GraphProto, scope: Scope): Value[] {
    if (++depth > MOST_DEPTH)
      throw new UsageError(`graphs within graphs ${depth} deep; the file is corrupt, or recursive`);
    store(graph, scope);
    for (const node of ordered(graph.node)) translate(node, scope);
    depth--;
    return graph.output.map(({ name }) => {
      const value = find(scope, name);
      if (value === undefined)
        throw new UsageError(`output ${name} is made by no node; the file is incomplete`);
      return value;
    });
  }

  function translate(proto: NodeProto, scope: Scope): void {
    if (++nodes > MOST_NODES)
      throw new UsageError(
        `more than ${MOST_NODES} nodes, those of functions written out; no classifier has so many, so the file is damaged, or was made to exhaust this machine`,
      );
    const domain = domainOf(proto.domain);
    const opset = model.opsets.get(domain) ?? 1;
    const values = proto.input.map((name) => {
      if (name === "") return undefined;
      const value = find(scope, name);
      if (value === undefined)
        throw new UsageError(
          `${describeNode(proto, opset)}: its input ${name} is made by no node; the file is incomplete`,
        );
      return value;
    });
    const node = importNode(proto, opset, values, around(scope));
    const results = translated(proto, node, scope);
    proto.output.forEach((name, i) => {
      const value = results[i];
      if (name === "" || value === undefined) return;
      if (
        !(sizeOf(value.shape) <= MOST_ELEMENTS) ||
        value.shape.length > MOST_AXES ||
        !value.shape.every((n) => Number.isInteger(n) && n >= 0)
      )
        throw node.error(
          `makes an array of shape [${value.shape.join(", ")}]; is the batch meant to be so large?`,
        );
      scope.values.set(name, value);
    });
  }

  function translated(proto: NodeProto, node: ImportNode, scope: Scope): readonly Value[] {
    const domain = domainOf(proto.domain);
    const own = model.functions.get(`${domain}:${proto.opType}`);
    if (own !== undefined) return inlined(own, proto, node);
    if (domain === "" && proto.opType === "If") return branch(node);
    const known: Translate | undefined = translations[domain]?.[proto.opType];
    if (known === undefined)
      throw node.error(
        drawsNumbers.test(proto.opType)
          ? "it draws random numbers that no key repeats, so the file cannot be read; export it without them, and declare noise of pixels by --noise normal:SCALE"
          : `this operator cannot be read${scope.outer === null ? "" : " inside a subgraph"}; if it is only post-processing, choose an earlier --output`,
      );
    try {
      return [known(node)].flat();
    } catch (error) {
      if (error instanceof UsageError) throw error;
      throw node.error((error as Error).message);
    }
  }

  /** Both branches of a condition that is known have the names around it; only the one that holds is read. */
  function branch(node: ImportNode): Value[] {
    const condition = node.known(0)?.data[0];
    return node.subgraph(node.graph(condition ? "then_branch" : "else_branch"));
  }

  /** A function's body with its inputs and attributes in place. */
  function inlined(
    body: {
      input: string[];
      output: string[];
      node: NodeProto[];
      attributeProto: NodeProto["attribute"];
    },
    call: NodeProto,
    node: ImportNode,
  ): Value[] {
    if (++depth > MOST_DEPTH)
      throw node.error(
        `functions within functions ${depth} deep; the file is corrupt, or recursive`,
      );
    const scope: Scope = { values: new Map(), outer: null };
    body.input.forEach((name, i) => {
      const value = node.inputs[i];
      if (value !== undefined) scope.values.set(name, value);
    });
    const given = new Map(
      [...body.attributeProto, ...call.attribute].map((one) => [one.name, one]),
    );
    for (const inner of ordered(body.node)) {
      const attribute = inner.attribute.flatMap((one) => {
        if (one.refAttrName === "") return [one];
        const value = given.get(one.refAttrName);
        return value === undefined ? [] : [{ ...value, name: one.name }];
      });
      // An input that the caller leaves out is left out inside too.
      const input = inner.input.map((name) =>
        body.input.includes(name) && !scope.values.has(name) ? "" : name,
      );
      translate({ ...inner, attribute, input }, scope);
    }
    depth--;
    return body.output.map((name) => scope.values.get(name) as Value);
  }

  const scope: Scope = { values: new Map(), outer: null };
  for (const { name, elementType } of model.inputs) {
    const value = inputs[name];
    if (value === undefined) throw new UsageError(`internal: no value for the input ${name}`);
    types.set(value, elementType);
    scope.values.set(name, value);
  }
  const values = run(model.graph, scope);
  return {
    outputs: Object.fromEntries(model.outputs.map(({ name }, i) => [name, values[i]])),
    notes: [...notes],
  };
}

/** What `of` says of a value, asked once of each value behind it that `settled` does not hold yet, inputs first. */
function settled<T>(value: Value, settled: Map<Value, T>, of: (node: Value) => T): T {
  const stack = [value];
  while (stack.length > 0) {
    const node = stack[stack.length - 1];
    const waiting = settled.has(node) ? [] : node.inputs.filter((input) => !settled.has(input));
    if (waiting.length === 0) {
      if (!settled.has(node)) settled.set(node, of(node));
      stack.pop();
    } else for (const input of waiting) stack.push(input);
  }
  return settled.get(value) as T;
}

/** Elements of a stored array by what it holds, whatever it states. */
const storedElements = ({ rawData, dims }: TensorProto): number =>
  Math.min(rawData.length || Number.POSITIVE_INFINITY, Math.max(sizeOf(dims.map(Number)), 0) || 0);

/** Nodes in an order in which each comes after what it reads; files are meant to have one, and some do not. */
function ordered(nodes: readonly NodeProto[]): NodeProto[] {
  const makers = new Map<string, NodeProto>();
  for (const node of nodes)
    for (const name of node.output) {
      if (name !== "" && makers.has(name))
        throw new UsageError(`${JSON.stringify(name)} is made by two nodes; the file is corrupt`);
      makers.set(name, node);
    }
  const order: NodeProto[] = [];
  const state = new Map<NodeProto, "open" | "done">();
  for (const root of nodes) {
    const stack = [root];
    while (stack.length > 0) {
      const node = stack[stack.length - 1];
      if (state.get(node) === "done") {
        stack.pop();
        continue;
      }
      const waiting = reads(node)
        .flatMap((name) => makers.get(name) ?? [])
        .filter((one) => state.get(one) !== "done" && one !== node);
      const cyclic = waiting.find((one) => state.get(one) === "open");
      if (
        cyclic !== undefined ||
        reads(node).some((name) => node.output.includes(name) && name !== "")
      )
        throw new UsageError(
          `node ${JSON.stringify(node.name || node.output[0])} (${node.opType}) needs its own result; the file is corrupt`,
        );
      if (waiting.length === 0) {
        order.push(node);
        state.set(node, "done");
        stack.pop();
      } else {
        state.set(node, "open");
        for (const one of waiting) stack.push(one);
      }
    }
  }
  return order;
}

/** All names that a node reads, those inside its subgraphs included. */
const reads = (node: NodeProto): string[] => [
  ...node.input,
  ...node.attribute.flatMap(({ g: graph, graphs }) =>
    [...(graph === undefined ? [] : [graph]), ...graphs].flatMap((inner) => [
      ...inner.node.flatMap(reads),
      ...inner.output.map(({ name }) => name),
    ]),
  ),
];
