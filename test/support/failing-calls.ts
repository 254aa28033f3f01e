export const whatFailed = 'The connection broke';

export interface FailedCall<Result> {
  /** Such as `uploader.put`. */
  readonly call: string;
  readonly ended: PromiseSettledResult<Result>;
}

/**
 * Repeats the same work: each time, another one of its calls fails, before or after it took effect.
 *
 * @param make creates new ports for each repetition
 * @param names the ports whose calls can fail
 */
export async function withEachCallFailing<Ports extends object, Result>(
  { make, names, takesEffect }: { make: () => Ports; names: readonly (keyof Ports)[]; takesEffect: boolean },
  work: (ports: Ports) => Promise<Result>,
): Promise<FailedCall<Result>[]> {
  const failed: FailedCall<Result>[] = [];
  for (;;) {
    const { ports, calls } = failingAt(failed.length, make(), names, takesEffect);
    const [ended] = await Promise.allSettled([work(ports)]);
    const call = calls[failed.length];
    if (call === undefined) return failed;
    failed.push({ call, ended });
  }
}

function failingAt<Ports extends object>(
  index: number,
  ports: Ports,
  names: readonly (keyof Ports)[],
  takesEffect: boolean,
) {
  const calls: string[] = [];
  const fail = async () => {
    throw new Error(whatFailed);
  };
  const observed = (port: object, name: string) =>
    new Proxy(port, {
      get(target, method) {
        const value: unknown = Reflect.get(target, method);
        if (typeof value !== 'function') return value;
        return (...given: unknown[]) => {
          calls.push(`${name}.${String(method)}`);
          if (calls.length !== index + 1) return Reflect.apply(value, target, given);
          return takesEffect ? Promise.resolve(Reflect.apply(value, target, given)).then(fail) : fail();
        };
      },
    });
  const handed = new Proxy(ports, {
    get(target, name) {
      const port: unknown = Reflect.get(target, name);
      const isOne = names.some((each) => each === name) && typeof port === 'object' && port !== null;
      return isOne ? observed(port, String(name)) : port;
    },
  });
  return { ports: handed, calls };
}
