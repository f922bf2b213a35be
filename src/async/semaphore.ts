// Room for the pages that are read and not settled yet, shared by all runs of a process: it bounds their memory together, however many
// there are, and as whoever waits longest comes next, each run gets a page in turn, the small as the large.

/** With four pages a run, six runs at once go as fast as one alone does. */
export const PAGES_OF_ALL_RUNS = 24;

export interface Room {
  /** Resolves when there is room. @returns how to leave it again, which may be called twice; undefined when it was stopped before */
  enter(stop: AbortSignal): Promise<(() => void) | undefined>;
}

export function createRoom(places: number): Room {
  let free = places;
  const waiting = new Set<() => void>();

  function place(): () => void {
    free -= 1;
    let isIn = true;
    return () => {
      if (!isIn) return;
      isIn = false;
      free += 1;
      const [first] = waiting;
      first?.();
    };
  }

  return {
    async enter(stop) {
      if (stop.aborted) return undefined;
      if (free > 0) return place();
      return await new Promise((resolve) => {
        const end = (way: (() => void) | undefined) => {
          waiting.delete(enter);
          stop.removeEventListener("abort", giveUp);
          resolve(way);
        };
        const enter = () => end(place());
        const giveUp = () => end(undefined);
        waiting.add(enter);
        stop.addEventListener("abort", giveUp);
      });
    },
  };
}
