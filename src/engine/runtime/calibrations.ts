// The format of the file that stores what `rampart bench --calibrate` measured on the user's machines.

import { z } from "zod";
import { crcOfText } from "../../math/crc32.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { BreakEven } from "../lowering/blocked/cost.ts";

const Channels = z.int().positive();
const Calibrations = z.record(
  z.string(),
  z.strictObject({
    /** `BreakEven.images`; the file format keeps the older name. */
    pictures: Channels,
    weights: Channels,
    date: z.string(),
    crc: z.string().optional(), // missing in older files
  }),
);
type Calibrations = z.output<typeof Calibrations>;

/** What a calibration is valid for. */
export interface Machine {
  /** The processor's name. */
  readonly cpu: string;
  readonly threads: number;
  /** Name and version of the engine. */
  readonly engine: string;
}

const entryName = ({ cpu, threads, engine }: Machine): string =>
  `${cpu}, ${threads} ${threads === 1 ? "thread" : "threads"}, ${engine}`;

/** The CRC-32 of an entry and its name. */
const checksum = (name: string, { pictures, weights, date }: Calibrations[string]): string =>
  crcOfText(JSON.stringify([name, pictures, weights, date]));

/** The entries of a file with this text; none if `text` is undefined, which stands for a missing file. */
function parse(text: string | undefined, path: string): Calibrations {
  if (text === undefined) return {};
  try {
    const entries = Calibrations.parse(JSON.parse(text));
    for (const [name, { crc, ...entry }] of Object.entries(entries))
      if (crc !== undefined && crc !== checksum(name, entry)) throw new Error("damaged");
    return entries;
  } catch {
    throw new UsageError(
      `${path} is not what rampart bench --calibrate writes, or is damaged; remove it, and calibrate again`,
      { code: "bad-file" },
    );
  }
}

/**
 * The break-even that the file `path`, with this text, stores for a machine; undefined if it stores none. Throws a
 * `UsageError` (`bad-file`) if the text is malformed.
 */
export function calibrationIn(
  text: string | undefined,
  path: string,
  machine: Machine,
): BreakEven | undefined {
  const entry = parse(text, path)[entryName(machine)];
  return entry && { images: entry.pictures, weights: entry.weights };
}

/**
 * The text of the file `path` with this machine's entry set. Keeps the entries of other machines. Throws a `UsageError`
 * (`bad-file`) if the text is malformed.
 */
export function withCalibration(
  text: string | undefined,
  path: string,
  machine: Machine,
  { images, weights }: BreakEven,
): string {
  const entry = { pictures: images, weights, date: new Date().toISOString() };
  const name = entryName(machine);
  const all: Calibrations = {
    ...parse(text, path),
    [name]: { ...entry, crc: checksum(name, entry) },
  };
  return `${JSON.stringify(all, null, 2)}\n`;
}
