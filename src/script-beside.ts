// Where the script of another process or thread lies.

import { extname } from "node:path";

/**
 * @param module `import.meta.url` of whoever starts it: in the built package that is JavaScript, and so is the script
 * @param name without its ending
 */
export function scriptBeside(module: string, name: string): URL {
  return new URL(`./${name}${extname(module)}`, module);
}
