import type { FunctionProto, GraphProto, NodeProto } from "onnx-buf";
import type { Note } from "../../../math/note.ts";
import { own } from "../../../math/own.ts";
import { sizeOf } from "../../../math/tensor.ts";
import { UsageError } from "../../../math/usage-error.ts";
import * as g from "../../graph/expressions.ts";
import { nameOrigin } from "../../graph/origins.ts";
import type { Value } from "../../graph/value.ts";
import { halfPrecisionNote } from "../half-precision-note.ts";
import { domainOf, functionKey, type OnnxModel } from "../model.ts";
import { blockSizeOf } from "./blocked-weights.ts";
import { constantFolding } from "./constant-folding.ts";
import { nodeBudget, nodeCost } from "./graph-size.ts";
import type { ImportOptions } from "./import-graph.ts";
import {
  describeNode,
  type ImportContext,
  type ImportNode,
  importNode,
  UnknownOperator,
} from "./import-node.ts";
import { ImportNotes } from "./import-notes.ts";
import { importers } from "./importers.ts";
import { needed, ordered } from "./order.ts";
import { attributesOf, type Frame, find, type Scope } from "./scope.ts";
import { StoredArrays } from "./stored-arrays.ts";

/** What a file may hold: elements and axes of a single value, graphs within graphs. */
const MAX_ELEMENTS = 2 ** 31;
const MAX_AXES = 64;
const MAX_DEPTH = 64;
/** Values of a list. */
const MAX_LISTED = 1024;

/** Operators that draw random numbers of their own. */
const drawsNumbers = /^(Random(Normal|Uniform)(Like)?|Multinomial|Bernoulli)$/;

/** A value of the file's own graph with its name and the node that makes it. */
export interface TracedValue {
  readonly name: string;
  readonly node: NodeProto;
  readonly value: Value;
}

/** Reads one graph of a file, with all subgraphs and functions that it reaches. */
export class GraphImporter {
  readonly #notes: ImportNotes;
  readonly #model: OnnxModel;
  readonly #options: ImportOptions;
  readonly #stored: StoredArrays;
  readonly #folding: Pick<ImportContext, "constantOf" | "isConstant">;
  readonly #types = new Map<Value, number>();
  readonly #sequences = new Map<Value, readonly Value[]>();
  readonly #maxNodes: number;
  #nodes = 0;
  #depth = 0;
  #blockSize: number | undefined;

  constructor(model: OnnxModel, options: ImportOptions) {
    this.#model = model;
    this.#options = options;
    this.#notes = new ImportNotes(options.straightThrough ?? false);
    this.#stored = new StoredArrays(model);
    this.#folding = constantFolding(model.graph, options.maxConstants);
    this.#maxNodes = nodeBudget(model.graph);
    this.#blockSize = options.blockSize;
    for (const node of model.graph.node) this.#countNodes(nodeCost(node));
    this.#nodes = 0;
  }

  /** The values of these names in the file's graph, whose inputs stand for `inputs`. */
  read(inputs: Readonly<Record<string, Value>>, wanted: readonly string[]): Value[] {
    return this.#graph(this.#model.graph, this.#scope(inputs), wanted);
  }

  /** What `wanted` is made of, inputs before users; what cannot be read, and what depends on it, is left out. */
  trace(inputs: Readonly<Record<string, Value>>, wanted: readonly string[]): TracedValue[] {
    const { graph } = this.#model;
    const scope = this.#scope(inputs);
    this.#store(graph, scope);
    const found: TracedValue[] = [];
    for (const node of ordered(needed(graph.node, wanted))) {
      const depth = this.#depth;
      try {
        this.#node(node, scope);
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        this.#depth = depth;
        continue;
      }
      for (const name of node.output) {
        const value = name === "" ? undefined : scope.values.get(name);
        if (value !== undefined) found.push({ name, node, value });
      }
    }
    return found;
  }

  #scope(inputs: Readonly<Record<string, Value>>): Scope {
    const frame = { opsets: this.#model.opsets, attributes: null, absent: new Set<string>() };
    const scope: Scope = { frame, values: new Map(), outer: null };
    for (const { name, elementType } of this.#model.inputs) {
      const value = own(inputs, name);
      if (value === undefined) continue;
      this.#types.set(value, elementType);
      const halved = halfPrecisionNote(elementType);
      if (halved !== null) this.#notes.add(halved);
      scope.values.set(name, value);
    }
    return scope;
  }

  /** Counts a node, a run of a subgraph, or a step of a recurrent layer. */
  #countNodes(more = 1): void {
    this.#nodes += more;
    if (this.#nodes > this.#maxNodes)
      throw new UsageError(
        `more than ${this.#maxNodes} nodes, those of functions and loops written out; no classifier that stores as little has so many, so the file is damaged, or was made to exhaust this machine`,
      );
  }

  #graph(graph: GraphProto, scope: Scope, names: readonly string[]): Value[] {
    if (++this.#depth > MAX_DEPTH)
      throw new UsageError(
        `graphs within graphs ${this.#depth} deep; the file is corrupt, or recursive`,
      );
    this.#countNodes();
    this.#store(graph, scope);
    for (const node of ordered(needed(graph.node, names))) this.#node(node, scope);
    this.#depth--;
    return names.map((name) => {
      const value = find(scope, name);
      if (value === undefined)
        throw new UsageError(`output ${name} is made by no node; the file is incomplete`);
      return value;
    });
  }

  #store(graph: GraphProto, { values }: Scope): void {
    for (const tensor of graph.initializer) {
      if (values.has(tensor.name)) continue;
      const value = g.constant(this.#stored.decode(tensor));
      this.#types.set(value, tensor.dataType);
      values.set(tensor.name, value);
    }
    for (const sparse of graph.sparseInitializer) {
      const name = sparse.values?.name ?? "";
      if (!values.has(name)) values.set(name, g.constant(this.#stored.spread(sparse)));
    }
  }

  #node(proto: NodeProto, scope: Scope): void {
    this.#countNodes(nodeCost(proto));
    const opset = scope.frame.opsets.get(domainOf(proto.domain)) ?? 1;
    const inputs = proto.input.map((name) => {
      const value = name === "" ? undefined : find(scope, name);
      if (value !== undefined || name === "" || scope.frame.absent.has(name)) return value;
      throw new UsageError(
        `${describeNode(proto, opset)}: its input ${name} is made by no node; the file is incomplete`,
      );
    });
    const attributes = attributesOf(proto, scope.frame);
    const node = importNode(proto, attributes, opset, inputs, this.#around(scope));
    const results = this.#results(proto, node, scope);
    nameOrigin(results, inputs, describeNode(proto, opset));
    for (const [i, name] of proto.output.entries()) {
      const value = results[i];
      if (name === "" || value === undefined) continue;
      requireSize(value, node);
      scope.values.set(name, value);
    }
  }

  #results(proto: NodeProto, node: ImportNode, scope: Scope): readonly (Value | undefined)[] {
    const domain = domainOf(proto.domain);
    const body = this.#model.functions.get(functionKey(proto.domain, proto.opType, proto.overload));
    if (body !== undefined) return this.#function(body, proto, node);
    if (domain === "" && proto.opType === "If") return branchOf(node);
    const translate = own(own(importers, domain) ?? {}, proto.opType);
    if (translate === undefined)
      throw new UnknownOperator(node.error(this.#unknown(proto, scope)).message);
    try {
      return [translate(node)].flat();
    } catch (error) {
      if (error instanceof UsageError) throw error;
      throw node.error((error as Error).message);
    }
  }

  #unknown({ domain, opType, overload }: NodeProto, scope: Scope): string {
    if (drawsNumbers.test(opType))
      return "it draws random numbers that no key repeats, so the file cannot be read; export it without them, and declare noise of pixels by --noise normal:SCALE";
    const others = [...this.#model.functions.values()].filter(
      (one) => domainOf(one.domain) === domainOf(domain) && one.name === opType,
    );
    if (others.length > 0)
      return `the file has no overload ${JSON.stringify(overload)} of this function, only ${others.map((one) => JSON.stringify(one.overload)).join(", ")}; the file is incomplete`;
    return `this operator cannot be read${scope.outer === null ? "" : " inside a subgraph"}`;
  }

  /** A function's body with its inputs and attributes in place; only what the call names is read. */
  #function(body: FunctionProto, call: NodeProto, node: ImportNode): (Value | undefined)[] {
    if (++this.#depth > MAX_DEPTH)
      throw node.error(
        `functions within functions ${this.#depth} deep; the file is corrupt, or recursive`,
      );
    const values = new Map(body.input.map((name, i) => [name, node.inputs[i]]));
    const frame: Frame = {
      opsets: this.#opsetsOf(body),
      attributes: new Map([
        ...body.attributeProto.map((one) => [one.name, one] as const),
        ...node.attributes,
      ]),
      absent: new Set(body.input.filter((_, i) => node.inputs[i] === undefined)),
    };
    const scope: Scope = { frame, values, outer: null };
    const names = body.output.map((name, i) => ((call.output[i] ?? "") === "" ? "" : name));
    for (const inner of ordered(needed(body.node, names))) this.#node(inner, scope);
    this.#depth--;
    return names.map((name) => {
      const value = name === "" ? undefined : find(scope, name);
      if (value === undefined && name !== "" && !frame.absent.has(name))
        throw node.error(`its output ${name} is made by no node of the function's body`);
      return value;
    });
  }

  /** Operator sets of a function, which states its own; what it leaves out it has from the file. */
  #opsetsOf({ opsetImport }: FunctionProto): ReadonlyMap<string, number> {
    return new Map([
      ...this.#model.opsets,
      ...opsetImport.map(({ domain, version }) => [domainOf(domain), Number(version)] as const),
    ]);
  }

  /** Notes on everything that was read so far. */
  get notes(): readonly Note[] {
    return this.#notes.all();
  }

  #around(scope: Scope): ImportContext {
    const { straightThrough = false, batch = null } = this.#options;
    return {
      constantOf: this.#folding.constantOf,
      isConstant: this.#folding.isConstant,
      countNodes: (nodes) => this.#countNodes(nodes),
      straightThrough,
      batch,
      maxConstants: this.#options.maxConstants ?? 0,
      blockSize: () => {
        this.#blockSize ??= blockSizeOf(this.#model);
        return this.#blockSize;
      },
      elementType: (value) => this.#types.get(value),
      withElementType: (value, type) => {
        this.#types.set(value, type);
        return value;
      },
      decode: (tensor) => this.#stored.decode(tensor),
      importSubgraph: (graph, bound = []) => {
        const values = new Map(graph.input.map(({ name }, i) => [name, bound[i]]));
        const names = graph.output.map(({ name }) => name);
        return this.#graph(graph, { frame: scope.frame, values, outer: scope }, names);
      },
      sequence: (values) => this.#sequence(values),
      sequenceValues: (value) => this.#sequences.get(value),
      note: (note) => this.#notes.add(note),
      noteStepwise: (type) => this.#notes.addStepwise(type),
    };
  }

  #sequence(values: readonly Value[]): Value {
    if (values.length > MAX_LISTED)
      throw new UsageError(`a list of ${values.length} values; up to ${MAX_LISTED} can be read`);
    // A list has no array of its own; this one stands for it.
    const value = g.constant({ dtype: "int64", shape: [0], data: new BigInt64Array(0) });
    this.#sequences.set(value, values);
    return value;
  }
}

/** Both branches of a condition that is known have the names around it; only the one that holds is read. */
function branchOf(node: ImportNode): Value[] {
  const condition = node.constant(0)?.data[0];
  return node.importSubgraph(node.graph(condition ? "then_branch" : "else_branch"));
}

function requireSize({ shape }: Value, node: ImportNode): void {
  if (
    !(sizeOf(shape) <= MAX_ELEMENTS) ||
    shape.length > MAX_AXES ||
    !shape.every((n) => Number.isInteger(n) && n >= 0)
  )
    throw node.error(
      `makes an array of shape [${shape.join(", ")}]; is the batch meant to be so large?`,
    );
}
