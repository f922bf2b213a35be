// Keys as the bytes that Deno KV orders them by, there and back: one byte that tells the kind of a part, then the part.
// https://github.com/apple/foundationdb/blob/main/design/tuple.md

import type { KvKey, KvKeyPart } from "@deno/kv";

const BYTES = 0x01;
const TEXT = 0x02;
/** Of bytes or a text; a zero in one is followed by 0xff. */
const END = 0x00;
const ESCAPE = 0xff;
/** Plus the number of bytes of a whole number, minus for a negative one, ... */
const ZERO = 0x14;
const FEW = 8;
/** ... or, of more bytes, one of these and their number. What is negative has all its bits turned over. */
const MANY = 0x1d;
const MANY_NEGATIVE = 0x0b;
const NUMBER = 0x21;
const FALSE = 0x26;
const TRUE = 0x27;

export function packKey(key: KvKey): Buffer {
  return Buffer.concat(key.map(packPart));
}

function packPart(part: KvKeyPart): Uint8Array {
  if (typeof part === "bigint") return packWhole(part);
  if (typeof part === "string") return Uint8Array.of(TEXT, ...escaped(Buffer.from(part)), END);
  if (typeof part === "number") return packNumber(part);
  if (typeof part === "boolean") return Uint8Array.of(part ? TRUE : FALSE);
  return Uint8Array.of(BYTES, ...escaped(part), END);
}

function packWhole(whole: bigint): Uint8Array {
  const isNegative = whole < 0n;
  const hex = whole === 0n ? "" : (isNegative ? -whole : whole).toString(16);
  const size = Math.ceil(hex.length / 2);
  const content = Buffer.from(hex.padStart(size * 2, "0"), "hex");
  const sized = size > FEW ? [size, ...content] : content;
  const type = size > FEW ? (isNegative ? MANY_NEGATIVE : MANY) : ZERO + (isNegative ? -size : size);
  return Uint8Array.of(type, ...(isNegative ? turnedOver(Buffer.from(sized)) : sized));
}

function packNumber(number: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(-Math.abs(number));
  return Uint8Array.of(NUMBER, ...(number < 0 ? turnedOver(bytes) : bytes));
}

export function unpackKey(bytes: Buffer): KvKey {
  const parts: KvKeyPart[] = [];
  let at = 0;
  const take = (size: number) => {
    at += size;
    if (at > bytes.length) throw notKey(bytes);
    return bytes.subarray(at - size, at);
  };
  while (at < bytes.length) {
    const type = bytes.readUInt8(at++);
    if (type === TEXT || type === BYTES) {
      const content = unescaped(take(endOf(bytes, at) - at));
      at += 1;
      parts.push(type === TEXT ? content.toString() : new Uint8Array(content));
    } else if (type === ZERO + FEW) parts.push(take(FEW).readBigUInt64BE());
    else if (type === MANY) parts.push(whole(take(bytes.readUInt8(at++))));
    else if (type === MANY_NEGATIVE) parts.push(-whole(turnedOver(take(ESCAPE - bytes.readUInt8(at++)))));
    else if (type === NUMBER) parts.push(unpackNumber(take(8)));
    else if (type === TRUE || type === FALSE) parts.push(type === TRUE);
    else if (type > MANY_NEGATIVE && type < MANY) {
      parts.push(type < ZERO ? -whole(turnedOver(take(ZERO - type))) : whole(take(type - ZERO)));
    } else throw notKey(bytes);
  }
  return parts;
}

const notKey = (bytes: Buffer) => new Error(`not a key of the store: ${bytes.toString("hex")}`);

const whole = (content: Uint8Array) => BigInt(`0x0${Buffer.from(content).toString("hex")}`);

const unpackNumber = (bytes: Buffer) =>
  bytes.readUInt8() < 128 ? turnedOver(bytes).readDoubleBE() : -bytes.readDoubleBE();

const turnedOver = (bytes: Uint8Array) => Buffer.from(bytes.map((byte) => 255 - byte));

const escaped = (content: Uint8Array) =>
  content.includes(END) ? [...content].flatMap((byte) => (byte === END ? [END, ESCAPE] : [byte])) : content;

const unescaped = (content: Buffer) =>
  content.includes(END) ? content.filter((_, at) => at === 0 || content[at - 1] !== END) : content;

function endOf(bytes: Buffer, start: number): number {
  let end = bytes.indexOf(END, start);
  while (end >= 0 && bytes[end + 1] === ESCAPE) end = bytes.indexOf(END, end + 2);
  if (end < 0) throw notKey(bytes);
  return end;
}
