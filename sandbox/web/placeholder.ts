// A picture for attachments whose file is not in the demo: a quiet gradient that differs by name, with the alt text on it.

import { createHash } from "node:crypto";
import type { Attachment } from "../model.ts";

const WIDTH = 640;
const HEIGHT = 400;
const LINE_CHARACTERS = 42;
const LINES = 4;

export function placeholderPicture({ filename, description = filename }: Attachment): string {
  const [first = 0, second = 0] = createHash("sha256").update(filename).digest();
  const hue = Math.round((first / 255) * 360);
  const lines = wrap(description);
  const text = lines.map((line, index) => {
    const y = HEIGHT - 36 - (lines.length - 1 - index) * 30;
    return `<text x="32" y="${y}">${escaped(line)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}">
<linearGradient id="sky" x1="0" y1="0" x2="1" y2="1">
<stop offset="0" stop-color="hsl(${hue} 45% 52%)"/><stop offset="1" stop-color="hsl(${hue + 50} 50% 28%)"/></linearGradient>
<rect width="100%" height="100%" fill="url(#sky)"/>
<circle cx="${120 + (second % 400)}" cy="120" r="52" fill="hsl(${hue} 70% 85%)" opacity=".55"/>
<path d="M0 300 L170 170 L290 260 L420 140 L640 310 V400 H0Z" fill="hsl(${hue + 30} 40% 18%)" opacity=".55"/>
<g font-family="sans-serif" font-size="22" fill="#fff">${text.join("")}</g></svg>`;
}

function wrap(text: string): string[] {
  const lines = [""];
  for (const word of text.split(/\s+/)) {
    const last = lines.length - 1;
    const longer = `${lines[last] ?? ""} ${word}`.trim();
    if (longer.length <= LINE_CHARACTERS) lines[last] = longer;
    else lines.push(word);
  }
  return lines.length <= LINES ? lines : [...lines.slice(0, LINES - 1), `${lines[LINES - 1] ?? ""}…`];
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
