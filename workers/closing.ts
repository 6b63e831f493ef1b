/** Has a thing closed in the end. */
export type Keep = <T extends { close(): unknown }>(thing: T) => T;

/** Things that were opened, to be closed in the end, the last one first. */
export function openedThings() {
  const opened: { close(): unknown }[] = [];
  return {
    keep<T extends { close(): unknown }>(thing: T): T {
      opened.push(thing);
      return thing;
    },
    async close(): Promise<void> {
      for (const thing of opened.splice(0).reverse()) await thing.close();
    },
  };
}
