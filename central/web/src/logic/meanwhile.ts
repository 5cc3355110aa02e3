/**
 * What the stream tells while a list is read is told again after it: the answer may be a picture of before,
 * and an alarm that came between the two would be gone from the page.
 */
export function listenMeanwhile() {
  let reading = 0;
  let told: (() => void)[] = [];
  return {
    /** Act on what is told, and again behind each list that is being read. */
    hear:
      <T>(act: (body: T) => void) =>
      (body: T): void => {
        act(body);
        if (reading) told.push(() => act(body));
      },
    /** Ask, and take the answer with what was told since. */
    async read<T>(ask: () => Promise<T>, take: (answer: T) => void): Promise<void> {
      reading += 1;
      try {
        take(await ask());
        for (const again of told) again();
      } finally {
        reading -= 1;
        if (!reading) told = [];
      }
    },
  };
}
