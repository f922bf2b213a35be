// Which addresses keep texts on this machine or in its network, and which do not.

import { expect, test } from "vitest";
import { parseServerAddress } from "../../src/adapters/openai/address.ts";

const isNear = (host: string) => parseServerAddress(`http://${host}/v1`).local;

test.each([
  "localhost:1234",
  "localhost.:1234",
  "0.0.0.0:1234",
  "127.0.0.1",
  "127.8.9.10",
  "[::1]:11434",
  "10.1.2.3",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.20",
  "169.254.1.1",
  "100.100.1.1",
  "[fc00::1]",
  "[fd12:3456::1]",
  "[fe80::1]",
  "studio.local",
  "ollama:11434",
  "host.docker.internal",
])("%s is near", (host) => {
  expect(isNear(host)).toBe(true);
});

test.each([
  "api.openai.com",
  "172.32.0.1",
  "172.15.0.1",
  "192.169.0.1",
  "11.0.0.1",
  "128.0.0.1",
  "8.8.8.8",
  "[2001:db8::1]",
  "[fc::1]",
  "local.example.com",
  "127.0.0.1.example.com",
])("%s is not", (host) => {
  expect(isNear(host)).toBe(false);
});
