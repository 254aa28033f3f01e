/** What `publish` is going to do. */
export interface PublishPlan {
  /** Where people open the gallery. */
  readonly page: string;
  readonly pipeline: string;
  /** There is no key for cookies yet. */
  readonly makesKey: boolean;
  /** The distribution serves renditions with cookies of that key. */
  readonly servesRenditions: boolean;
  /** Parameters of the pipeline's stack. */
  readonly connect: Readonly<Record<string, string>>;
  readonly upload: readonly string[];
  readonly invalidate: readonly string[];
}

/** Verified, because Cognito lets no one recover a password with an address that is not. */
export function addPersonCommand(userPool: string, email: string): string {
  return (
    `aws cognito-idp admin-create-user --user-pool-id ${userPool} --username ${email} ` +
    `--user-attributes Name=email,Value=${email} Name=email_verified,Value=true`
  );
}

export function describePlan({
  pipeline,
  makesKey,
  servesRenditions,
  connect,
  upload,
  invalidate,
}: PublishPlan): string[] {
  const connection = Object.entries(connect).map(([name, value]) => `${name}=${value}`);
  return [
    `Key for cookies: ${makesKey ? 'make one' : 'is there'}`,
    `Renditions: ${servesRenditions ? 'are served' : 'serve them (an update of the distribution, about five minutes)'}`,
    `${pipeline}: ${connection.length === 0 ? 'is connected' : `deploy with ${connection.join(' ')}`}`,
    `Page: ${upload.length === 0 ? 'is published' : `upload ${upload.join(', ')}`}`,
    ...(invalidate.length === 0 ? [] : [`CloudFront: invalidate ${invalidate.join(', ')}`]),
  ];
}
