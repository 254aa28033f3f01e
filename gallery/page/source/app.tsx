import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { insideAddress, photographsAddress } from './address.ts';
import { filesOf, receiveFiles } from './files.ts';
import { focusMain } from './focus.ts';
import { type Gallery, openGallery } from './gallery.ts';
import { useRoute, useStore } from './hooks.ts';
import { Mark } from './icons.tsx';
import { InsideView } from './inside-view.tsx';
import type { Connection } from './live-images.ts';
import { PhotographsView } from './photographs-view.tsx';
import {
  type Configuration,
  completeSignIn,
  leave,
  readConfiguration,
  type Session,
  storedSession,
  storeSession,
} from './session.ts';
import { SignInView } from './sign-in-view.tsx';
import { unsentText } from './unsent.ts';

type Phase =
  | { readonly kind: 'starting' }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'signed-out'; readonly configuration: Configuration; readonly notice?: string }
  | { readonly kind: 'signed-in'; readonly configuration: Configuration; readonly gallery: Gallery };

export function App() {
  const [phase, setPhase] = useState<Phase>({ kind: 'starting' });

  const signedIn = (configuration: Configuration, session: Session) => {
    storeSession(session);
    const gallery = openGallery(configuration.signIn, session, () => {
      gallery.close();
      const unsent = unsentText(gallery.images.state());
      const stopped = unsent && ` The upload of ${unsent} has stopped: please repeat it.`;
      const notice = `Your session has ended. Please sign in again.${stopped}`;
      setPhase({ kind: 'signed-out', configuration, notice });
    });
    setPhase({ kind: 'signed-in', configuration, gallery });
  };

  const start = async () => {
    const configuration = await readConfiguration();
    const { signIn } = configuration;
    const returning = signIn.kind === 'cognito' ? await completeSignIn(signIn) : undefined;
    const session = returning ?? storedSession();
    if (session === undefined) setPhase({ kind: 'signed-out', configuration });
    else signedIn(configuration, session);
  };
  const tryToStart = () => void start().catch(() => setPhase({ kind: 'unreachable' }));
  useEffect(tryToStart, []);

  switch (phase.kind) {
    case 'starting':
      return null;
    case 'unreachable':
      return (
        <main class="centred">
          <Mark />
          <h1>The gallery is not responding</h1>
          <p>Check your connection. If the gallery runs on this machine, check that it is still running.</p>
          <button type="button" class="primary" onClick={tryToStart}>
            Try again
          </button>
        </main>
      );
    case 'signed-out':
      return (
        <SignInView
          signIn={phase.configuration.signIn}
          notice={phase.notice}
          onSession={(session) => signedIn(phase.configuration, session)}
        />
      );
    case 'signed-in':
      return (
        <SignedIn
          gallery={phase.gallery}
          configuration={phase.configuration}
          onSignOut={() => {
            const unsent = unsentText(phase.gallery.images.state());
            if (unsent && !confirm(`Sign out and stop the upload of ${unsent}?`)) return;
            phase.gallery.close();
            leave(phase.configuration.signIn);
            history.replaceState(null, '', photographsAddress);
            setPhase({ kind: 'signed-out', configuration: phase.configuration });
          }}
        />
      );
  }
}

interface SignedInProps {
  readonly gallery: Gallery;
  readonly configuration: Configuration;
  readonly onSignOut: () => void;
}

function SignedIn({ gallery, configuration, onSignOut }: SignedInProps) {
  const route = useRoute();
  const [dragging, setDragging] = useState(false);
  // Before it is painted, so that no drop is too early.
  useLayoutEffect(() => {
    const add = (transfer: DataTransfer) => void filesOf(transfer).then((files) => gallery.uploads.add(files));
    return receiveFiles(add, setDragging);
  }, [gallery]);
  return (
    <>
      <button type="button" class="skip" onClick={focusMain}>
        Skip to content
      </button>
      <header class="bar">
        <a class="brand" href={photographsAddress} aria-label="Darkroom">
          <Mark />
          <span>Darkroom</span>
        </a>
        <nav aria-label="Views">
          <Tab address={photographsAddress} current={route.view === 'photographs'} name="Photographs" />
          {configuration.inside && <Tab address={insideAddress} current={route.view === 'inside'} name="Inside" />}
        </nav>
        <div class="who">
          <ConnectionState gallery={gallery} />
          <span class="person">{gallery.person}</span>
          <button type="button" class="plain" onClick={onSignOut}>
            Sign out
          </button>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        {route.view === 'inside' && configuration.inside ? (
          <InsideView gallery={gallery} />
        ) : (
          <PhotographsView gallery={gallery} open={route.open} samples={configuration.samples ?? []} />
        )}
      </main>
      {dragging && (
        <div class="drop-here">
          <p>Drop to upload</p>
        </div>
      )}
    </>
  );
}

/** Not by a link: the address says what is shown. */
function Tab({
  address,
  current,
  name,
}: {
  readonly address: string;
  readonly current: boolean;
  readonly name: string;
}) {
  return (
    <a href={address} aria-current={current ? 'page' : undefined}>
      {name}
    </a>
  );
}

const connectionTexts: Readonly<Record<Connection, string>> = {
  connecting: 'Connecting',
  live: 'Live',
  offline: 'Offline, reconnecting',
};

function ConnectionState({ gallery }: { readonly gallery: Gallery }) {
  const connection = useStore(gallery.connection);
  return (
    <span class={`connection ${connection}`} role="status">
      <span>{connectionTexts[connection]}</span>
    </span>
  );
}
