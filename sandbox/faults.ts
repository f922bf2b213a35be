// What can be made to go wrong, switchable at run time: failing, limited and slow answers, dropped gateways, refused connections.

export interface FaultMatch {
  /** Tested on "METHOD /path", e.g. /POST .*\/messages$/. Default: every request. */
  readonly match?: RegExp;
  /** How many requests are hit. Default: 1; Infinity until `clear()`. */
  readonly count?: number;
}

export interface Faults {
  /** Answers with a server error (default 500). `executed: true` does the work first and only then loses the answer. */
  fail(options?: FaultMatch & { readonly status?: number; readonly executed?: boolean }): void;
  /** Answers 429 with `retry_after`. */
  rateLimit(options: FaultMatch & { readonly retryAfterMs: number; readonly global?: boolean }): void;
  /** Answers late. The work is done before the wait. */
  slow(options: FaultMatch & { readonly delayMs: number }): void;
  /** Breaks the TCP connection instead of answering. */
  reset(options?: FaultMatch): void;
  /** Drops every gateway connection. Not resumable: the session is forgotten too. */
  dropGateway(options?: { readonly resumable?: boolean }): void;
  /** A part of Discord is down: the guild is out of sight on the gateway, and events of it are lost, until it is back. */
  guildOutage(guildId: string): void;
  guildBack(guildId: string): void;
  /** Nobody listens any more: every connection is cut and new ones are refused, until `acceptConnections()`. */
  refuseConnections(): Promise<void>;
  acceptConnections(): Promise<void>;
  /** Takes back all faults but refused connections and outages of guilds. */
  clear(): void;
}

export type Fault =
  | { readonly kind: "fail"; readonly status: number; readonly executed: boolean }
  | { readonly kind: "rate-limit"; readonly retryAfterMs: number; readonly global: boolean }
  | { readonly kind: "slow"; readonly delayMs: number }
  | { readonly kind: "reset" };

export interface FaultSwitches {
  readonly faults: Faults;
  /** The faults that hit this request, each counted down. */
  take(request: string): Fault[];
}

export interface FaultConnections {
  dropGateway(resumable: boolean): void;
  setAvailable(guildId: string, isAvailable: boolean): void;
  refuse(): Promise<void>;
  accept(): Promise<void>;
}

export function createFaults(connections: FaultConnections): FaultSwitches {
  let armed: { readonly fault: Fault; readonly match: RegExp | undefined; remaining: number }[] = [];
  const arm = (fault: Fault, { match, count = 1 }: FaultMatch) => {
    armed.push({ fault, match, remaining: count });
  };
  return {
    faults: {
      fail: (options = {}) =>
        arm({ kind: "fail", status: options.status ?? 500, executed: options.executed ?? false }, options),
      rateLimit: ({ retryAfterMs, global = false, ...match }) =>
        arm({ kind: "rate-limit", retryAfterMs, global }, match),
      slow: ({ delayMs, ...match }) => arm({ kind: "slow", delayMs }, match),
      reset: (options = {}) => arm({ kind: "reset" }, options),
      dropGateway: ({ resumable = true } = {}) => connections.dropGateway(resumable),
      guildOutage: (guildId) => connections.setAvailable(guildId, false),
      guildBack: (guildId) => connections.setAvailable(guildId, true),
      refuseConnections: () => connections.refuse(),
      acceptConnections: () => connections.accept(),
      clear: () => {
        armed = [];
      },
    },
    take(request) {
      const hits = armed.filter(({ match, remaining }) => remaining > 0 && (!match || match.test(request)));
      for (const hit of hits) hit.remaining--;
      armed = armed.filter(({ remaining }) => remaining > 0);
      return hits.map(({ fault }) => fault);
    },
  };
}
