// Maps that are filled as they are asked.

interface Filled<Key, Value> {
  get(key: Key): Value | undefined;
  set(key: Key, value: Value): unknown;
  delete(key: Key): boolean;
}

/** @returns what the map has for the key, made and kept when it has nothing */
export function getOrMake<Key, Value>(map: Filled<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** The same for what may fail: that is not kept. */
export function getOrTry<Key, Value>(map: Filled<Key, Promise<Value>>, key: Key, attempt: () => Promise<Value>) {
  return getOrMake(map, key, () => {
    const trying = attempt();
    trying.catch(() => map.delete(key));
    return trying;
  });
}
