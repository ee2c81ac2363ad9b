// The file in which a user keeps what calibration has found out about his machines.

import { z } from "zod";
import { crcOfText } from "../../math/crc32.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { BreakEven } from "../lowering/blocked/cost.ts";

const Channels = z.int().positive();
const Calibrations = z.record(
  z.string(),
  z.strictObject({
    /** Channels from which Winograd wins for images; the name is that of the file format. */
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
  /** Name and version. */
  readonly engine: string;
}

const entryOf = ({ cpu, threads, engine }: Machine): string =>
  `${cpu}, ${threads} ${threads === 1 ? "thread" : "threads"}, ${engine}`;

/** The CRC-32 of an entry with its name. */
const checksum = (name: string, { pictures, weights, date }: Calibrations[string]): string =>
  crcOfText(JSON.stringify([name, pictures, weights, date]));

/** The entries of the file `path`, whose text this is; undefined stands for no file. */
function parsed(text: string | undefined, path: string): Calibrations {
  if (text === undefined) return {};
  try {
    const found = Calibrations.parse(JSON.parse(text));
    for (const [name, { crc, ...entry }] of Object.entries(found))
      if (crc !== undefined && crc !== checksum(name, entry)) throw new Error("damaged");
    return found;
  } catch {
    throw new UsageError(
      `${path} is not what rampart bench --calibrate writes, or is damaged; remove it, and calibrate again`,
    );
  }
}

/** The break-even that was measured on this machine; undefined where none was. */
export function calibrationIn(
  text: string | undefined,
  path: string,
  machine: Machine,
): BreakEven | undefined {
  const found = parsed(text, path)[entryOf(machine)];
  return found && { images: found.pictures, weights: found.weights };
}

/** The file's text with what was measured on this machine; those of other machines stay. */
export function withCalibration(
  text: string | undefined,
  path: string,
  machine: Machine,
  { images, weights }: BreakEven,
): string {
  const entry = { pictures: images, weights, date: new Date().toISOString() };
  const name = entryOf(machine);
  const all: Calibrations = {
    ...parsed(text, path),
    [name]: { ...entry, crc: checksum(name, entry) },
  };
  return `${JSON.stringify(all, null, 2)}\n`;
}
