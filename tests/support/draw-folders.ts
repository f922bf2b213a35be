// node tests/support/draw-folders.ts: draws the picture in CONTRIBUTING.md anew after a change of the rules.

import { readFileSync, writeFileSync } from "node:fs";
import { withPicture } from "./folder-rules.ts";

const page = new URL("../../CONTRIBUTING.md", import.meta.url);
writeFileSync(page, withPicture(readFileSync(page, "utf8")));
