import { fstatSync, writeSync } from "node:fs";
import type { Output } from "./command.ts";

/** An output of this process that outlives its reader. */
export interface ProcessOutput extends Output {
  /** What kept text from being written, such as a full disk; undefined where a reader has gone away. */
  readonly problem: NodeJS.ErrnoException | undefined;
}

/** Errors of a pipe whose reader has closed it, and (EIO) of a terminal that has hung up. */
const readerGone = (code: string | undefined, isTTY: boolean): boolean =>
  code === "EPIPE" ||
  code === "ECONNRESET" ||
  code === "ERR_STREAM_DESTROYED" ||
  (code === "EIO" && isTTY);

/** True for a file or a device that is no terminal. Node writes a part of a text there and calls it done. */
function isPlainFile({ fd, isTTY }: NodeJS.WriteStream & { readonly fd: number }): boolean {
  if (isTTY) return false;
  try {
    const found = fstatSync(fd);
    return found.isFile() || found.isCharacterDevice();
  } catch {
    return false;
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let from = 0; from < bytes.length; ) from += writeSync(fd, bytes, from);
}

/**
 * `process.stdout` or `process.stderr` for a program whose work matters more than who reads along. After the first
 * failure text is dropped and the work goes on: where the reader has gone away without a word, else with `problem`.
 */
export function processOutput(stream: NodeJS.WriteStream & { readonly fd: number }): ProcessOutput {
  let problem: NodeJS.ErrnoException | undefined;
  let open = true;
  const failed = (error: NodeJS.ErrnoException) => {
    if (open && !readerGone(error.code, stream.isTTY)) problem = error;
    open = false;
  };
  stream.on("error", failed);
  const plain = isPlainFile(stream);
  return {
    get isTTY() {
      return stream.isTTY;
    },
    get columns() {
      return stream.columns;
    },
    get problem() {
      return problem;
    },
    write(text) {
      if (!open) return false;
      if (!plain) return stream.write(text);
      try {
        writeAll(stream.fd, Buffer.from(text));
      } catch (error) {
        failed(error as NodeJS.ErrnoException);
      }
      return open;
    },
  };
}
