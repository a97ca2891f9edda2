// Many small questions for one figure.

/** More at once would leave the question that the reader waits for at the end of the queue. */
const AT_ONCE = 4;

/** The answers of all, in order; the first failure is that of the whole. */
export async function askAll<Item, Answer>(
  items: readonly Item[],
  ask: (item: Item) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  let next = 0;
  const work = async () => {
    while (next < items.length) {
      const index = next++;
      answers[index] = await ask(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return answers;
}
