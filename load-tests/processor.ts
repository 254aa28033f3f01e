/** Artillery's entry point for a virtual user, shared by all scenarios. */
import { type Metrics, virtualUsers } from './runner/virtual-user.ts';

const turn = virtualUsers(process.env);

export async function takeTurn(_context: unknown, metrics: Metrics): Promise<void> {
  await turn(metrics);
}
