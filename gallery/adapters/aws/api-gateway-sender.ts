import {
  type ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GoneException,
  LimitExceededException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import type { LiveSender } from '../../core/ports.ts';

export function apiGatewaySender({ client }: { readonly client: ApiGatewayManagementApiClient }): LiveSender {
  /** A page that is still there connects again, and asks for what it has missed. */
  const end = async (ConnectionId: string): Promise<void> => {
    try {
      await client.send(new DeleteConnectionCommand({ ConnectionId }));
    } catch (error) {
      if (!(error instanceof GoneException || error instanceof LimitExceededException)) throw error;
    }
  };
  return {
    async send(connectionId, text) {
      try {
        await client.send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: text }));
        return 'sent';
      } catch (error) {
        if (error instanceof GoneException) return 'gone';
        // After the SDK's retries: the client does not read, and its buffer is full.
        if (!(error instanceof LimitExceededException)) throw error;
        await end(connectionId);
        return 'gone';
      }
    },
  };
}
