// A worker thread that draws one chart: Vega-Lite to Vega to SVG to PNG. Loading all that takes half a second, which is why it
// happens here and only when there is something to draw.

import { createRequire } from "node:module";
import { parentPort, workerData } from "node:worker_threads";
import { renderAsync } from "@resvg/resvg-js";
import { Error as LogErrors, logger, parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";

export interface DrawingOrder {
  readonly spec: TopLevelSpec;
  /** Pixels per unit of the specification. */
  readonly scale: number;
}
export type Drawing = { readonly png: Uint8Array<ArrayBuffer> };

/** resvg draws no text without a font file; the machine's own fonts would make every server's charts look different. */
const FONT = createRequire(import.meta.url).resolve("dejavu-fonts-ttf/ttf/DejaVuSans.ttf");

const { spec, scale } = workerData as DrawingOrder;
const quiet = logger(LogErrors);
const view = new View(parse(compile(spec, { logger: quiet }).spec), { renderer: "none", logger: quiet });
const svg = await view.toSVG();
view.finalize();
const image = await renderAsync(svg, {
  fitTo: { mode: "zoom", value: scale },
  font: { loadSystemFonts: false, fontFiles: [FONT], defaultFontFamily: "DejaVu Sans" },
});
const png = new Uint8Array(image.asPng());
parentPort?.postMessage({ png } satisfies Drawing, [png.buffer]);
