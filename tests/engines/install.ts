// `npm run engines`: builds the remote engines that the tests run against, each of one version, into a folder of their own
// outside the project. What is there already is left alone; without cargo or go it says what cannot be built.

import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { engineFolder, engines, isInstalled } from "./engines.ts";

let failed = false;
for (const engine of engines) {
  const folder = engineFolder(engine);
  if (isInstalled(engine)) {
    console.log(`${engine.name} ${engine.version} is in ${folder}`);
    continue;
  }
  mkdirSync(folder, { recursive: true });
  const { command, args, environment } = engine.build(folder);
  console.log(`${engine.name} ${engine.version}: ${command} ${args.join(" ")} (${engine.patience})`);
  const { status, error } = spawnSync(command, args, { stdio: "inherit", env: { ...process.env, ...environment } });
  if (status === 0 && isInstalled(engine)) continue;
  failed = true;
  console.error(`${engine.name} could not be built: ${error?.message ?? `${command} ended with ${status}`}`);
}
process.exitCode = failed ? 1 : 0;
