export const deadLetterQueueNames = ['uploads', 'undelivered'] as const;
export type DeadLetterQueueName = (typeof deadLetterQueueNames)[number];
