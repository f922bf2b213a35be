import { expect, it } from "vitest";
import { joinSearchText } from "../../src/content-hash.ts";
import { candidatesOf, createNeighbourhood } from "../../src/search/neighbours.ts";

const row = (id: string, said: string, contextId?: string, context = "") => ({
  id,
  searchText: joinSearchText(context, "", said),
  ...(contextId !== undefined && { contextId }),
});

it("takes what a message answers from the candidates, and from its own row where it is none of them", () => {
  const rows = [
    row("1", "which mast?"),
    row("2", "the long one", "1", "which mast?"),
    row("3", "it broke", "9", "and the antenna?"),
  ];
  expect(candidatesOf(rows)).toEqual([
    { own: "which mast?", said: "which mast?", context: "", neighbour: undefined },
    { own: "the long one", said: "the long one", context: "", neighbour: 0 },
    { own: "it broke", said: "it broke", context: "and the antenna?", neighbour: undefined },
  ]);
});

it("takes the first row of a long message, and never one that comes later", () => {
  const rows = [row("1", "part one", "3", "later"), row("1", "part two"), row("3", "later", "1", "part one")];
  expect(candidatesOf(rows).map(({ neighbour }) => neighbour)).toEqual([undefined, undefined, 0]);
});

it("tells how much of a word stands before and after each, less with each step beyond the first", () => {
  const conversation = [undefined, 0, 1, undefined].map((neighbour) => ({ neighbour }));
  const neighbourhood = createNeighbourhood(conversation);
  const read = (own: number[], context: number[]) => {
    const { before, after } = neighbourhood.read(Float32Array.from(own), Float32Array.from(context));
    return [before, after].map((values) => Array.from(values, (value) => Number(value.toFixed(3))));
  };
  expect(read([1, 0, 0, 0], [0, 0, 0, 0.5])).toEqual([
    [0, 1, 0.7, 0.5],
    [0, 0, 0, 0],
  ]);
  expect(read([0, 0, 1, 0], [1, 0, 0, 0])).toEqual([
    [1, 0.7, 0.49, 0],
    [0.7, 1, 0, 0],
  ]);
});
