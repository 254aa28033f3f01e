/** Artillery's side of a virtual user. All scenarios share it: they differ in when users come and what they bring. */
import { type Metrics, virtualUsers } from './runner/virtual-user.ts';

const turn = virtualUsers(process.env);

export async function takeTurn(_context: unknown, metrics: Metrics): Promise<void> {
  await turn(metrics);
}
