import { fstatSync, writeSync } from "node:fs";
import type { Output } from "./command.ts";

/** An output of this process that keeps working after its reader is gone. */
export interface ProcessOutput extends Output {
  /** Why text could not be written, such as a full disk; undefined if only the reader is gone. */
  readonly problem: NodeJS.ErrnoException | undefined;
}

/** Whether the reader is gone: a closed pipe, or (EIO) a terminal that has hung up. */
const readerGone = (code: string | undefined, isTTY: boolean): boolean =>
  code === "EPIPE" ||
  code === "ECONNRESET" ||
  code === "ERR_STREAM_DESTROYED" ||
  (code === "EIO" && isTTY);

/** Whether the stream is a file or a device other than a terminal, where Node may write only part of a text and report success. */
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
 * Wraps `process.stdout` or `process.stderr` so that a failure to write does not stop the program. After the first failure all
 * text is dropped. `problem` then holds the error, unless the reader is just gone.
 */
export function processOutput(stream: NodeJS.WriteStream & { readonly fd: number }): ProcessOutput {
  let problem: NodeJS.ErrnoException | undefined;
  let open = true;
  const fail = (error: NodeJS.ErrnoException) => {
    if (open && !readerGone(error.code, stream.isTTY)) problem = error;
    open = false;
  };
  stream.on("error", fail);
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
        fail(error as NodeJS.ErrnoException);
      }
      return open;
    },
  };
}
