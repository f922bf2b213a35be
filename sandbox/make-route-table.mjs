// Writes route-table.json, which says for each REST route which schema its body, its answers and its query have.
// Usage: node sandbox/make-route-table.mjs path/to/openapi.json && npx biome format --write sandbox/route-table.json
// The description is Discord's own: https://github.com/discord/discord-api-spec (MIT).

import { readFileSync, writeFileSync } from "node:fs";

const source = process.argv[2];
if (!source) throw new Error("give the path of Discord's openapi.json");
const { paths } = JSON.parse(readFileSync(source, "utf8"));

/** A schema as text: "Name", "Name[]", "A | B"; undefined where the description gives no name. */
function nameOf(schema) {
  if (schema?.$ref) return schema.$ref.split("/").at(-1);
  const choices = schema?.oneOf ?? schema?.anyOf;
  if (choices) {
    const names = choices.filter(({ type }) => type !== "null").map(nameOf);
    return names.includes(undefined) ? undefined : names.join(" | ");
  }
  if ([schema?.type].flat().includes("array")) {
    const item = nameOf(schema.items);
    return item && !item.includes(" ") ? `${item}[]` : item && `(${item})[]`;
  }
  return undefined;
}

const lines = [];
for (const [path, { parameters: _shared, ...operations }] of Object.entries(paths)) {
  for (const [method, operation] of Object.entries(operations)) {
    const entry = {};
    const body = nameOf(operation.requestBody?.content?.["application/json"]?.schema);
    if (body) entry.body = body;
    for (const [status, { content }] of Object.entries(operation.responses)) {
      if (!status.startsWith("2")) continue;
      entry.answers = { ...entry.answers, [status]: nameOf(content?.["application/json"]?.schema) ?? "" };
    }
    const query = (operation.parameters ?? []).filter((parameter) => parameter.in === "query").map(({ name }) => name);
    if (query.length > 0) entry.query = query;
    lines.push(`  ${JSON.stringify(`${method.toUpperCase()} ${path}`)}: ${JSON.stringify(entry)}`);
  }
}
writeFileSync(new URL("./route-table.json", import.meta.url), `{\n${lines.sort().join(",\n")}\n}\n`);
console.log(`${lines.length} routes`);
