// The machine: memory, disk and load.

export interface SystemProbe {
  /** Memory in use and its limit: of the cgroup less its page cache, or of the machine. Bytes. */
  memory(): Promise<{ readonly usedBytes: number; readonly limitBytes: number }>;
  /** Free space where the data lies. Bytes; Infinity where it does not lie on this machine. */
  disk(): Promise<{ readonly freeBytes: number; readonly totalBytes: number }>;
  /** Whether what lies on this machine lies on an encrypted volume, as far as the system tells. */
  volume(): Promise<"encrypted" | "not-known" | "elsewhere">;
  /** 1-minute load average divided by the number of cores. */
  cpuLoad(): number;
}
