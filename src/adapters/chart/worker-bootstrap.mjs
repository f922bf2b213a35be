// Starts worker.ts when running from source: a worker thread does not inherit the loader that lets Node read TypeScript.
// The built package starts worker.js directly.

import { register } from "tsx/esm/api";

register();
await import("./worker.ts");
