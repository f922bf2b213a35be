// Starts upkeep-process.ts when running from source: a process of its own needs the loader that lets Node read TypeScript.
// The built package starts upkeep-process.js directly.

import { register } from "tsx/esm/api";

register();
await import("./upkeep-process.ts");
