// The first third of the pages of the documentation: every block that a reader would copy is run.
import { testBlocks } from "./fixtures/doc-blocks.ts";

testBlocks(0, 3);
