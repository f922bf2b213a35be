// Work that goes on beside the rest, and is waited for together at the end.

export interface Group {
  /** Forgotten as soon as it has finished. Its failure is `done`'s, or the caller's to hear. */
  add(member: Promise<void>): void;
  /** Resolves when none is left, also of those that are added meanwhile. */
  done(): Promise<void>;
}

export function createGroup(): Group {
  const members = new Set<Promise<void>>();
  return {
    add(member: Promise<void>) {
      members.add(member);
      const forget = () => void members.delete(member);
      member.then(forget, forget);
    },
    async done() {
      while (members.size > 0) await Promise.all(members);
    },
  };
}
