// Discord's ids. A snowflake is a 64-bit integer whose upper bits are its creation time, written in decimal; order of ids is
// order in time. Source: https://discord.com/developers/docs/reference#snowflakes

/** A Discord id in decimal, e.g. "1343714078748708976". Compare with `compareSnowflakes`, never as text. */
export type Snowflake = string;

const DISCORD_EPOCH_MS = 1_420_070_400_000n;
const MAX_ID = (1n << 63n) - 1n;

/** The largest id: "no upper bound". Fits a signed 64-bit column. */
export const LAST_SNOWFLAKE: Snowflake = MAX_ID.toString();
/** The smallest id: "no lower bound". */
export const FIRST_SNOWFLAKE: Snowflake = "0";
/** The range of all ids. */
export const ALL_IDS = { newestId: LAST_SNOWFLAKE, oldestId: FIRST_SNOWFLAKE };

/** True for 1 to 19 digits that fit a signed 64-bit integer. */
export function isSnowflake(text: string): boolean {
  return /^\d{1,19}$/.test(text) && BigInt(text) <= MAX_ID;
}

/** Negative when `a` is older than `b`, positive when newer, 0 when the same. */
export function compareSnowflakes(a: Snowflake, b: Snowflake): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

/** @param ids at least one */
export function newest(ids: readonly Snowflake[]): Snowflake {
  return ids.reduce((a, b) => (compareSnowflakes(a, b) >= 0 ? a : b));
}

/** @param ids at least one */
export function oldest(ids: readonly Snowflake[]): Snowflake {
  return ids.reduce((a, b) => (compareSnowflakes(a, b) <= 0 ? a : b));
}

/** When the id was made, in milliseconds since 1970. */
export function snowflakeTime(id: Snowflake): number {
  return Number((BigInt(id) >> 22n) + DISCORD_EPOCH_MS);
}

/** The smallest id made at `timeMs` (milliseconds since 1970); a bound for ranges. Times before Discord give "0". */
export function snowflakeAt(timeMs: number): Snowflake {
  const sinceEpoch = BigInt(Math.trunc(timeMs)) - DISCORD_EPOCH_MS;
  if (sinceEpoch <= 0n) return FIRST_SNOWFLAKE;
  const id = sinceEpoch << 22n;
  return (id > MAX_ID ? MAX_ID : id).toString();
}

/** The id just before this one ("0" stays "0"). */
export function snowflakeBefore(id: Snowflake): Snowflake {
  return id === FIRST_SNOWFLAKE ? id : (BigInt(id) - 1n).toString();
}

/** The id just after this one. */
export function snowflakeAfter(id: Snowflake): Snowflake {
  return (BigInt(id) + 1n).toString();
}
