import { filesOfInput } from "../state/files.ts";
import { takeFiles } from "../state/own.ts";

interface Props {
  readonly text: string;
  /** What the input accepts; empty for everything. */
  readonly accept: string;
  readonly isFolder: boolean;
}

/** A button that asks for files or a folder. */
export function Choose({ text, accept, isFolder }: Props) {
  return (
    <label class="choose">
      {text}
      <input
        class="hidden"
        type="file"
        multiple
        accept={accept}
        ref={(input) => {
          if (input !== null) input.webkitdirectory = isFolder;
        }}
        onChange={({ currentTarget }) => {
          const { files } = currentTarget;
          if (files !== null) void takeFiles(filesOfInput(files));
          currentTarget.value = "";
        }}
      />
    </label>
  );
}
