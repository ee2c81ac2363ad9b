import type { FunctionProto, GraphProto, NodeProto } from "onnx-buf";
import { lookUp } from "../../../math/look-up.ts";
import type { Note } from "../../../math/note.ts";
import { UsageError } from "../../../math/usage-error.ts";
import * as g from "../../graph/expressions.ts";
import { nameOrigin } from "../../graph/origins.ts";
import { refuseProofs } from "../../graph/unproven.ts";
import type { Value } from "../../graph/value.ts";
import { halfPrecisionNote } from "../half-precision-note.ts";
import { domainOf, functionKey, type OnnxModel } from "../model.ts";
import { int64 } from "./arithmetic.ts";
import { blockSizeOf } from "./blocked-weights.ts";
import { ConstantFolding } from "./constant-folding.ts";
import { nodeBudget, nodeCost } from "./graph-size.ts";
import {
  describeNode,
  type ImportContext,
  type ImportNode,
  importNode,
  roundedConstant,
  UnknownOperator,
} from "./import-node.ts";
import { ImportNotes } from "./import-notes.ts";
import type { ImportOptions } from "./import-options.ts";
import { importers } from "./importers.ts";
import { needed, ordered } from "./order.ts";
import { attributesOf, type Frame, find, type Scope } from "./scope.ts";
import { StoredArrays } from "./stored-arrays.ts";
import { unknownOperator } from "./unknown-operator.ts";
import { requireSize } from "./value-size.ts";

/** Maximum nesting of subgraphs and functions. */
const MAX_DEPTH = 64;
/** Maximum values of one sequence. */
const MAX_SEQUENCE = 1024;

const INCOMPLETE = "the file is incomplete, so export the model again";

/** A value of a file's main graph, with its name and the node that computes it. */
export interface TracedValue {
  readonly name: string;
  readonly node: NodeProto;
  readonly value: Value;
}

/** Imports the main graph of one file, with its subgraphs and functions. */
export class GraphImporter {
  readonly #notes: ImportNotes;
  readonly #model: OnnxModel;
  readonly #options: ImportOptions;
  readonly #stored: StoredArrays;
  readonly #folding: ConstantFolding;
  readonly #elementTypes = new Map<Value, number>();
  readonly #sequences = new Map<Value, readonly Value[]>();
  readonly #maxNodes: number;
  #nodes = 0;
  #depth = 0;
  #blockSize: number | undefined;

  /** Throws `UsageError` if the main graph has too many nodes for the size of the file. */
  constructor(model: OnnxModel, options: ImportOptions) {
    this.#model = model;
    this.#options = options;
    this.#notes = new ImportNotes(options.straightThrough ?? false);
    this.#stored = new StoredArrays(model);
    this.#folding = new ConstantFolding(model.graph, options.maxConstants);
    this.#maxNodes = nodeBudget(model.graph);
    this.#blockSize = options.blockSize;
    for (const node of model.graph.node) this.#countNodes(nodeCost(node));
    this.#nodes = 0;
  }

  /** The notes so far. */
  get notes(): readonly Note[] {
    return this.#notes.all();
  }

  /** The values of the main graph with these names, as expressions of `inputs`. */
  importValues(inputs: Readonly<Record<string, Value>>, names: readonly string[]): Value[] {
    return this.#importGraph(this.#model.graph, this.#mainScope(inputs), names);
  }

  /**
   * All values that `wanted` depends on, inputs before users. Skips values that cannot be imported,
   * and values that depend on them.
   */
  trace(inputs: Readonly<Record<string, Value>>, wanted: readonly string[]): TracedValue[] {
    const { graph } = this.#model;
    const scope = this.#mainScope(inputs);
    this.#importInitializers(graph, scope);
    const traced: TracedValue[] = [];
    for (const node of ordered(needed(graph.node, wanted))) {
      const depth = this.#depth;
      try {
        this.#importNode(node, scope);
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        this.#depth = depth;
        continue;
      }
      for (const name of node.output) {
        const value = name === "" ? undefined : scope.values.get(name);
        if (value !== undefined) traced.push({ name, node, value });
      }
    }
    return traced;
  }

  #mainScope(inputs: Readonly<Record<string, Value>>): Scope {
    const frame = { opsets: this.#model.opsets, attributes: null, absent: new Set<string>() };
    const scope: Scope = { frame, values: new Map(), outer: null };
    for (const { name, elementType } of this.#model.inputs) {
      const value = lookUp(inputs, name);
      if (value === undefined) continue;
      this.#elementTypes.set(value, elementType);
      const note = halfPrecisionNote(elementType);
      if (note !== null) this.#notes.add(note);
      scope.values.set(name, value);
    }
    return scope;
  }

  /** Counts nodes, imports of subgraphs, and steps of recurrent layers. */
  #countNodes(nodes = 1): void {
    this.#nodes += nodes;
    if (this.#nodes > this.#maxNodes)
      throw new UsageError(
        `with functions and loops expanded, the model has more than ${this.#maxNodes} nodes, too many for a file with so few weights; the file is corrupt, or was made to exhaust this machine`,
        { code: "bad-file" },
      );
  }

  #importGraph(graph: GraphProto, scope: Scope, names: readonly string[]): Value[] {
    if (++this.#depth > MAX_DEPTH)
      throw new UsageError(
        `subgraphs are nested ${this.#depth} deep; the file is corrupt or recursive, so export the model again`,
        { code: "bad-file" },
      );
    this.#countNodes();
    this.#importInitializers(graph, scope);
    for (const node of ordered(needed(graph.node, names))) this.#importNode(node, scope);
    this.#depth--;
    return names.map((name) => {
      const value = find(scope, name);
      if (value === undefined)
        throw new UsageError(`no node computes the output ${name}; ${INCOMPLETE}`, {
          code: "bad-file",
        });
      return value;
    });
  }

  #importInitializers(graph: GraphProto, { values }: Scope): void {
    for (const tensor of graph.initializer) {
      if (values.has(tensor.name)) continue;
      const value = g.constant(this.#stored.decode(tensor));
      this.#elementTypes.set(value, tensor.dataType);
      values.set(tensor.name, value);
    }
    for (const sparse of graph.sparseInitializer) {
      const name = sparse.values?.name ?? "";
      if (!values.has(name)) values.set(name, g.constant(this.#stored.decodeSparse(sparse)));
    }
  }

  /** Adds the outputs of a node to the scope. */
  #importNode(proto: NodeProto, scope: Scope): void {
    this.#countNodes(nodeCost(proto));
    const opset = scope.frame.opsets.get(domainOf(proto.domain)) ?? 1;
    const inputs = proto.input.map((name) => {
      const value = name === "" ? undefined : find(scope, name);
      if (value !== undefined || name === "" || scope.frame.absent.has(name)) return value;
      throw new UsageError(
        `${describeNode(proto, opset)}: no node computes its input ${name}; ${INCOMPLETE}`,
        { code: "bad-file" },
      );
    });
    const attributes = attributesOf(proto, scope.frame);
    const node = importNode(proto, attributes, opset, inputs, this.#context(scope));
    const outputs = this.#outputsOf(proto, node, scope);
    nameOrigin(outputs, inputs, describeNode(proto, opset));
    for (const name of node.roundedInputs)
      for (const value of outputs)
        if (value !== undefined) refuseProofs(value, roundedConstant(node, name));
    for (const [i, name] of proto.output.entries()) {
      const value = outputs[i];
      if (name === "" || value === undefined) continue;
      requireSize(value, node);
      scope.values.set(name, value);
    }
    const isConstant = (value: Value) => this.#folding.isConstant(value);
    this.#options.onNode?.({ proto, inputs, outputs, isConstant });
  }

  /** The outputs of a model-local function, of an `If`, or of an operator with an importer. */
  #outputsOf(proto: NodeProto, node: ImportNode, scope: Scope): readonly (Value | undefined)[] {
    const domain = domainOf(proto.domain);
    const body = this.#model.functions.get(functionKey(proto.domain, proto.opType, proto.overload));
    if (body !== undefined) return this.#importFunction(body, proto, node);
    if (domain === "" && proto.opType === "If") return branchOf(node);
    const importer = lookUp(lookUp(importers, domain) ?? {}, proto.opType);
    if (importer === undefined) {
      const reason = unknownOperator(this.#model, proto, scope.outer !== null);
      throw new UnknownOperator(node.error(reason).message, { code: "bad-file" });
    }
    try {
      return [importer(node)].flat();
    } catch (error) {
      if (error instanceof UsageError) throw error;
      throw node.error((error as Error).message);
    }
  }

  /** The outputs that a call of a function names. Imports only the nodes of the body that they need. */
  #importFunction(body: FunctionProto, call: NodeProto, node: ImportNode): (Value | undefined)[] {
    if (++this.#depth > MAX_DEPTH)
      throw node.error(
        `functions are nested ${this.#depth} deep; the file is corrupt or recursive, so export the model again`,
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
    for (const inner of ordered(needed(body.node, names))) this.#importNode(inner, scope);
    this.#depth--;
    return names.map((name) => {
      const value = name === "" ? undefined : find(scope, name);
      if (value === undefined && name !== "" && !frame.absent.has(name))
        throw node.error(
          `no node of the function's body computes its output ${name}; ${INCOMPLETE}`,
        );
      return value;
    });
  }

  /** Operator sets of a function. For domains that the function does not import, these are the file's. */
  #opsetsOf({ opsetImport }: FunctionProto): ReadonlyMap<string, number> {
    return new Map([
      ...this.#model.opsets,
      ...opsetImport.map(({ domain, version }) => [domainOf(domain), Number(version)] as const),
    ]);
  }

  #context(scope: Scope): ImportContext {
    const { straightThrough = false, batch = null, maxConstants = 0 } = this.#options;
    return {
      straightThrough,
      batch,
      maxConstants,
      constantOf: (value) => this.#folding.constantOf(value),
      isConstant: (value) => this.#folding.isConstant(value),
      isExact: (value) => this.#folding.isExact(value),
      countNodes: (nodes) => this.#countNodes(nodes),
      blockSize: () => {
        this.#blockSize ??= blockSizeOf(this.#model);
        return this.#blockSize;
      },
      elementType: (value) => this.#elementTypes.get(value),
      withElementType: (value, type) => {
        this.#elementTypes.set(value, type);
        return value;
      },
      decode: (tensor) => this.#stored.decode(tensor),
      importSubgraph: (graph, bound = []) => {
        const values = new Map(graph.input.map(({ name }, i) => [name, bound[i]]));
        const names = graph.output.map(({ name }) => name);
        return this.#importGraph(graph, { frame: scope.frame, values, outer: scope }, names);
      },
      sequence: (values) => this.#sequence(values),
      sequenceValues: (value) => this.#sequences.get(value),
      note: (note) => this.#notes.add(note),
      noteStepwise: (type) => this.#notes.addStepwise(type),
    };
  }

  #sequence(values: readonly Value[]): Value {
    if (values.length > MAX_SEQUENCE)
      throw new UsageError(
        `a sequence of ${values.length} values is not supported, only up to ${MAX_SEQUENCE}; export the model without it`,
        { code: "bad-file" },
      );
    // A sequence has no array, so an empty array is its key in the map.
    const key = int64([]);
    this.#sequences.set(key, values);
    return key;
  }
}

/** The branch of an `If` with a constant condition (https://onnx.ai/onnx/operators/onnx__If.html). */
function branchOf(node: ImportNode): Value[] {
  const condition = node.constant(0)?.data[0];
  return node.importSubgraph(node.graph(condition ? "then_branch" : "else_branch"));
}
