import {
  type ApiGatewayManagementApiClient,
  GoneException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import type { LiveSender } from '../../core/ports.ts';

export function apiGatewaySender({ client }: { readonly client: ApiGatewayManagementApiClient }): LiveSender {
  return {
    async send(connectionId, text) {
      try {
        await client.send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: text }));
        return 'sent';
      } catch (error) {
        if (error instanceof GoneException) return 'gone';
        throw error;
      }
    },
  };
}
