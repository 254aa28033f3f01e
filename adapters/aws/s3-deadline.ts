/**
 * Ends a worker's call to S3, including the SDK's retries and the body, well before the worker's own timeout. So the workflow
 * can blame the file if Lambda has to stop a worker, because S3 cannot be the cause (docs/decisions/0009).
 */
export async function withinDeadline<Answer>(
  deadlineMillis: number,
  what: string,
  call: (abortSignal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const late = Promise.withResolvers<never>();
  const abort = new AbortController();
  const timer = setTimeout(() => {
    late.reject(new Error(`S3 did not finish within ${deadlineMillis / 1000} s: ${what}.`));
    abort.abort();
  }, deadlineMillis);
  try {
    // A body that stalls may not notice the signal: hence the race.
    return await Promise.race([call(abort.signal), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
