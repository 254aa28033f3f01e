import { useLayoutEffect, useState } from 'preact/hooks';
import { receiveFiles } from './files.ts';
import { Mark } from './icons.tsx';
import { goToSignIn, type Session, type SignIn, signInAs } from './session.ts';

interface SignInProps {
  readonly signIn: SignIn;
  readonly notice: string | undefined;
  readonly onSession: (session: Session) => void;
}

export function SignInView({ signIn, notice, onSession }: SignInProps) {
  const [problem, setProblem] = useState(notice);
  useLayoutEffect(() => receiveFiles(() => setProblem('Sign in first. Then drop your photographs again.')), []);
  const failed = () => setProblem('Sign-in failed. Check your connection and try again.');
  return (
    <main class="centred sign-in">
      <Mark />
      <h1>Darkroom</h1>
      <p class="lead">Upload your photographs and get versions that load fast on the web.</p>
      <p class="problem" role="alert">
        {problem}
      </p>
      {signIn.kind === 'cognito' ? (
        <button type="button" class="primary" onClick={() => void goToSignIn(signIn).catch(failed)}>
          Sign in
        </button>
      ) : (
        <>
          <ul class="people">
            {signIn.people.map((person) => (
              <li key={person}>
                <button type="button" onClick={() => void signInAs(person).then(onSession).catch(failed)}>
                  <span class="avatar" aria-hidden="true">
                    {person.slice(0, 1).toUpperCase()}
                  </span>
                  Continue as <b>{person}</b>
                </button>
              </li>
            ))}
          </ul>
          <p class="hint">These are demo users, on this machine only. Each one sees only their own photographs.</p>
        </>
      )}
    </main>
  );
}
