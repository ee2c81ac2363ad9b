// A file of anybody's as an expression of our graph.

import type { GraphProto, NodeProto, SparseTensorProto, TensorProto } from "onnx-buf";
import * as g from "../graph/expressions.ts";
import type { Value } from "../graph/value.ts";
import { type NdArray, sizeOf } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { blockSizeOf } from "./blocked-weights.ts";
import { constantFolding } from "./import-constant-folding.ts";
import {
  describeNode,
  type ImportNode,
  importNode,
  type Surroundings,
  type Translate,
} from "./import-node.ts";
import { needed, ordered, unfedInputs } from "./import-order.ts";
import { mostNodesOf, sizeOfNode } from "./import-size.ts";
import { domainOf, type OnnxModel } from "./model.ts";
import { decodeSparse, decodeTensor } from "./tensors.ts";
import { translations } from "./translations.ts";

/** Values by the names that a graph gives them; a subgraph sees those around it. */
interface Scope {
  readonly values: Map<string, Value>;
  readonly outer: Scope | null;
}

const find = (scope: Scope | null, name: string): Value | undefined =>
  scope === null ? undefined : (scope.values.get(name) ?? find(scope.outer, name));

const decoded = new WeakMap<TensorProto | SparseTensorProto, NdArray>();

/** An array of a file, decoded once for all graphs that are read from it. */
function decodedOnce(proto: TensorProto, { external }: OnnxModel): NdArray {
  const array = decoded.get(proto) ?? decodeTensor(proto, external);
  decoded.set(proto, array);
  return array;
}

/** What a file may hold: elements and axes of a single value, graphs within graphs. */
const MOST_ELEMENTS = 2 ** 31;
const MOST_AXES = 64;
const MOST_DEPTH = 64;
/** Values of a list. */
const MOST_LISTED = 1024;
/** Elements of all sparse arrays. */
const MOST_SPARSE = 2 ** 25;

export interface ImportOptions {
  /** Whether rounding and the like hand their gradient through. */
  readonly straightThrough?: boolean;
  /**
   * Rewrites a file that is fixed to one batch to another: lengths in its reshapes, and constants that it joins to what
   * has a batch. What results must be checked against single runs.
   */
  readonly batch?: { readonly stated: number; readonly wanted: number };
  /** Channels that the CPU keeps together that the file was optimised for; found from its weights by default. */
  readonly blockSize?: number;
  /** Names of what is wanted, outputs of the file or of any of its nodes; all outputs by default. Only its nodes are read. */
  readonly wanted?: readonly string[];
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
  { straightThrough = false, batch, blockSize, wanted }: ImportOptions = {},
): Imported {
  const notes = new Set<string>();
  const types = new Map<Value, number>();
  const lists = new Map<Value, readonly Value[]>();
  let depth = 0;
  let nodes = 0;
  let sparse = 0;
  let block = blockSize;

  const folding = constantFolding(model.graph);
  const mostNodes = mostNodesOf(model.graph);
  /** Counts a node, a run of a subgraph, or a step of a recurrent layer. */
  function count(more = 1): void {
    nodes += more;
    if (nodes > mostNodes)
      throw new UsageError(
        `more than ${mostNodes} nodes, those of functions and loops written out; no classifier that stores as little has so many, so the file is damaged, or was made to exhaust this machine`,
      );
  }

  const around = (scope: Scope): Surroundings => ({
    ...folding,
    count,
    straightThrough,
    batch: batch ?? null,
    blockSize() {
      block ??= blockSizeOf(model);
      return block;
    },
    elementType: (value) => types.get(value),
    typed(value, type) {
      types.set(value, type);
      return value;
    },
    decode: (tensor) => decodedOnce(tensor, model),
    subgraph(graph, bound = []) {
      const values = new Map(graph.input.map(({ name }, i) => [name, bound[i]]));
      return run(graph, { values, outer: scope });
    },
    listed(values) {
      if (values.length > MOST_LISTED)
        throw new UsageError(`a list of ${values.length} values; up to ${MOST_LISTED} can be read`);
      // A list has no array of its own; this one stands for it.
      const value = g.constant({ dtype: "int64", shape: [0], data: new BigInt64Array(0) });
      lists.set(value, values);
      return value;
    },
    list: (value) => lists.get(value),
    note: (text) => notes.add(text),
  });

  function store(graph: GraphProto, scope: Scope): void {
    for (const tensor of graph.initializer) {
      if (scope.values.has(tensor.name)) continue;
      const value = g.constant(decodedOnce(tensor, model));
      types.set(value, tensor.dataType);
      scope.values.set(tensor.name, value);
    }
    for (const sparse of graph.sparseInitializer) {
      const name = sparse.values?.name ?? "";
      if (!scope.values.has(name)) scope.values.set(name, g.constant(spread(sparse)));
    }
  }

  /** A sparse array in full, once like the others; all of them together are bounded, since they store little. */
  function spread(proto: SparseTensorProto): NdArray {
    const found = decoded.get(proto);
    if (found !== undefined) return found;
    sparse += sizeOf(proto.dims.map(Number));
    if (!(sparse <= MOST_SPARSE))
      throw new UsageError(
        `sparse arrays of ${sparse} elements in all, and ${MOST_SPARSE} can be read`,
      );
    const array = decodeSparse(proto, model.external);
    decoded.set(proto, array);
    return array;
  }

  function run(
    graph: GraphProto,
    scope: Scope,
    names: readonly string[] = graph.output.map(({ name }) => name),
  ): Value[] {
    if (++depth > MOST_DEPTH)
      throw new UsageError(`graphs within graphs ${depth} deep; the file is corrupt, or recursive`);
    count();
    store(graph, scope);
    for (const node of ordered(needed(graph.node, names))) translate(node, scope);
    depth--;
    return names.map((name) => {
      const value = find(scope, name);
      if (value === undefined)
        throw new UsageError(`output ${name} is made by no node; the file is incomplete`);
      return value;
    });
  }

  function translate(proto: NodeProto, scope: Scope): void {
    count(sizeOfNode(proto));
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
          : `this operator cannot be read${scope.outer === null ? "" : " inside a subgraph"}; if it is only post-processing, name what comes before it by --output, for example ${JSON.stringify(proto.input[0] ?? "")}`,
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

  for (const node of model.graph.node) count(sizeOfNode(node));
  nodes = 0;
  const scope: Scope = { values: new Map(), outer: null };
  for (const { name, elementType } of model.inputs) {
    const value = inputs[name];
    if (value === undefined) continue;
    types.set(value, elementType);
    scope.values.set(name, value);
  }
  const names = wanted ?? model.outputs.map(({ name }) => name);
  const unfed = unfedInputs(model, Object.keys(inputs), names);
  if (unfed.length > 0) throw new UsageError(`internal: no value for the input ${unfed[0].name}`);
  const values = run(model.graph, scope, names);
  return {
    outputs: Object.fromEntries(names.map((name, i) => [name, values[i]])),
    notes: [...notes],
  };
}
