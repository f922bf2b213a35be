// Work that nobody awaits but whoever stops it all.

export interface Background {
  /** A failure goes to `onError`. */
  run(subject: string, work: Promise<unknown> | undefined): void;
  /** Resolves when all that was begun has ended. */
  settled(): Promise<void>;
}

export function createBackground(onError: (subject: string, thrown: unknown) => void): Background {
  const underWay = new Set<Promise<unknown>>();
  return {
    run(subject, work) {
      if (work === undefined) return;
      const ending = work.catch((thrown: unknown) => onError(subject, thrown)).finally(() => underWay.delete(ending));
      underWay.add(ending);
    },
    async settled() {
      await Promise.all(underWay);
    },
  };
}
