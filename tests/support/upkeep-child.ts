// A process to be killed in the middle of index upkeep: again and again it writes some rows and puts the index in order, saying on
// stdout when it sets to either and when rows are written, a JSON object a line.
//
//   node upkeep-child.ts FOLDER FIRST_ID

import { createIndexStore } from "../../src/adapters/lancedb/store.ts";
import { putInOrder } from "../../src/indexing/guild-index/upkeep.ts";
import { tallSpace, upkeepRows } from "./upkeep-rows.ts";

const [folder, firstId] = process.argv.slice(2);
if (folder === undefined || firstId === undefined) throw new Error("upkeep-child.ts FOLDER FIRST_ID");
const say = (event: string, facts: object = {}) => console.log(JSON.stringify({ event, ...facts }));

const index = await (await createIndexStore(folder)).open("1", tallSpace);
for (let from = Number(firstId); ; from += 200) {
  await index.write(upkeepRows(from, 200), { fresh: true });
  await index.removeIds([String(from)]);
  say("written", { from });
  say("upkeep");
  await putInOrder(index, new AbortController().signal);
}
