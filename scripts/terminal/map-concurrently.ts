/** Works on so many tasks at once, in their order; the results are in the order of the tasks. */
export async function mapConcurrently<Task, Result>(
  tasks: readonly Task[],
  atOnce: number,
  work: (task: Task, index: number) => Promise<Result>,
): Promise<Result[]> {
  const waiting = [...tasks.entries()];
  const results: Result[] = [];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, task] = next;
      results[index] = await work(task, index);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
