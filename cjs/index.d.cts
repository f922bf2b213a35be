// Types of index.cjs: those of the ES modules that it loads.

import type * as backscroll from "../dist/attach.js" with { "resolution-mode": "import" };

export type Backscroll = backscroll.Backscroll;
export type BackscrollOptions = backscroll.BackscrollOptions;
export type DiscordClient = backscroll.DiscordClient;
export declare const attachBackscroll: typeof backscroll.attachBackscroll;
