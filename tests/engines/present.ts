// Whether the engines are there. Where they are not, tests are skipped and say why; with REQUIRE_ENGINES=1 they fail.

import { describe, expect, test } from "vitest";
import { binaryOf, engines, isInstalled } from "./engines.ts";

const { REQUIRE_ENGINES } = process.env;

export function describeEngines(name: string, tests: () => void): void {
  const missing = engines.filter((engine) => !isInstalled(engine));
  if (missing.length === 0) {
    describe(name, tests);
    return;
  }
  const why = `${missing.map(binaryOf).join(" and ")} not found; \`npm run engines\` builds it`;
  if (REQUIRE_ENGINES === "1") test(name, () => expect.fail(why));
  else {
    console.log(`Skipped: ${name}: ${why}`);
    describe.skip(name, tests);
  }
}
