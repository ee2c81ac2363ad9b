import { lowerPlain } from "../lowering/plain.ts";
import type { DType, NdArray } from "../math/tensor.ts";
import { writeOnnx } from "../onnx/write.ts";
import type { Arrays, Program, Runtime } from "./runtime.ts";

/** What onnxruntime-node and onnxruntime-web have in common, as far as we use it. */
interface Session<T> {
  readonly inputNames: readonly string[];
  run(feeds: Record<string, T>): Promise<Readonly<Record<string, unknown>>>;
  release(): Promise<void>;
}

/** One of the two packages: how to open a file's bytes, and its tensors. */
export interface Engine<T> {
  open(bytes: Uint8Array): Promise<Session<T>>;
  toTensor(array: NdArray): T;
}

/** Stands before the names of a compiled graph's outputs: an updated parameter is an output with the name of an input, which a file may not hold twice. */
const OUTPUT = "output:";

/** Compiles graphs for an engine, with the plain lowering. */
export const compiler =
  <T>(engine: Engine<T>): Runtime["compile"] =>
  async (outputs) => {
    const named = Object.entries(lowerPlain(outputs)).map(([name, v]) => [OUTPUT + name, v]);
    const session = await engine.open(writeOnnx(Object.fromEntries(named)));
    return program(engine, session, OUTPUT.length);
  };

/** An open session as a program; the first `skip` characters of an output's name are dropped. */
export const program = <T>(engine: Engine<T>, session: Session<T>, skip = 0): Program => ({
  async run(feeds: Arrays) {
    const missing = session.inputNames.filter((name) => feeds[name] === undefined);
    if (missing.length > 0) throw new Error(`internal: no array for input ${missing.join(", ")}`);
    const results = await session.run(
      Object.fromEntries(session.inputNames.map((name) => [name, engine.toTensor(feeds[name])])),
    );
    return Object.fromEntries(
      Object.entries(results).map(([name, result]) => {
        const { type, dims, data } = result as {
          readonly type: DType;
          readonly dims: readonly number[];
          readonly data: Float32Array;
        };
        return [name.slice(skip), { dtype: type, shape: dims, data } as NdArray];
      }),
    );
  },
  release: () => session.release(),
});
