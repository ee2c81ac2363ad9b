import { expect, it } from "vitest";
import { Board } from "./board.ts";
import type { Cell } from "./cell.ts";

const cell = (key: string, inputs: readonly string[] = []): Cell =>
  ({ key, priority: 0, work: { kind: "sleep", inputs } }) as unknown as Cell;

it("a cell is blocked by a failure at any distance, unless what lies between is done", () => {
  const board = new Board();
  const cells = [cell("a"), cell("b", ["a"]), cell("c", ["b"])];
  board.add(cells);
  board.setFailed("a", { message: "", code: null, attempts: 1 });
  expect(board.isBlocked(cells[2])).toBe(true);
  expect(board.remaining(() => true)).toEqual([]);
  board.setDone(["b"]);
  expect(board.isBlocked(cells[2])).toBe(false);
});
