/** One person's gallery, for as long as they are signed in. */
import { type Api, type Credentials, galleryApi, type Trouble } from './api.ts';
import { emptyGallery, type GalleryEvent, type GalleryState, type Image, reduceGallery } from './gallery-state.ts';
import { type Connection, followImages } from './live-images.ts';
import { renewSession, type Session, type SignIn, storeSession } from './session.ts';
import { createStore, type Store } from './store.ts';
import { askBeforeLeaving } from './unsent.ts';
import { type Uploads, uploadsTo } from './uploads.ts';

export interface Gallery {
  readonly person: string;
  /** In an account, CloudFront asks for a cookie. On this machine, nothing does. */
  readonly picturesArePrivate: boolean;
  readonly api: Api;
  readonly images: Store<GalleryState, GalleryEvent>;
  readonly connection: Store<Connection, Connection>;
  readonly uploads: Uploads;
  /** What goes wrong becomes a notice. */
  readonly deleteImage: (image: Image) => Promise<void>;
  /** One that is in no list so far. What goes wrong becomes a notice. */
  readonly findImage: (id: string) => Promise<boolean>;
  readonly loadOlder: () => Promise<void>;
  /** Once more, so that the answer's cookies let the browser load renditions. */
  readonly renewAccess: () => Promise<void>;
  readonly close: () => void;
}

export function openGallery(signIn: SignIn, session: Session, signedOut: () => void): Gallery {
  const images = createStore(reduceGallery, emptyGallery);
  const connection = createStore<Connection, Connection>((_, next) => next, 'connecting');
  const credentials = credentialsOf(signIn, session, signedOut);
  const api = galleryApi(credentials);
  const uploads = uploadsTo(api, images);
  const stopAsking = askBeforeLeaving(images);
  const live = followImages(api, credentials, images, connection.dispatch);
  let renewal: Promise<void> | undefined;

  // Whichever is noticed first.
  addEventListener('online', uploads.hurry);
  connection.subscribe(() => {
    if (connection.state() === 'live') uploads.hurry();
  });

  return {
    person: session.person,
    picturesArePrivate: signIn.kind === 'cognito',
    api,
    images,
    connection,
    uploads,
    deleteImage: async ({ id, name }) => {
      images.dispatch({ kind: 'deletion-asked', id });
      const answer = await api.deleteImage(id);
      if (answer.ok) return;
      if (answer.trouble.kind === 'gone') return images.dispatch({ kind: 'image-gone', id });
      images.dispatch({ kind: 'deletion-refused', id });
      images.dispatch({ kind: 'noticed', id, text: `${name} was not deleted. ${adviceOn(answer.trouble)}` });
    },
    findImage: async (id) => {
      const answer = await api.getImage(id);
      if (answer.ok) images.dispatch({ kind: 'image-found', image: answer.value });
      else
        images.dispatch({ kind: 'noticed', id, text: `This photograph cannot be shown. ${adviceOn(answer.trouble)}` });
      return answer.ok;
    },
    loadOlder: async () => {
      const { older } = images.state();
      if (older === undefined) return;
      const list = await api.listImages({ page: older });
      if (list.ok) images.dispatch({ kind: 'listed-older', list: list.value });
    },
    renewAccess: () => {
      // Many pictures may fail at the same moment.
      renewal ??= api.listImages({ limit: 1 }).then(() => {
        renewal = undefined;
      });
      return renewal;
    },
    close: () => {
      removeEventListener('online', uploads.hurry);
      stopAsking();
      live.stop();
      uploads.stop();
    },
  };
}

/** What to do about it, in a sentence. */
function adviceOn(trouble: Trouble): string {
  switch (trouble.kind) {
    case 'gone':
      return 'It has been deleted, or its address is wrong.';
    case 'refused':
      return trouble.message;
    case 'busy':
      return 'The gallery has too many requests. Try again in a minute.';
    case 'unreachable':
      return 'The gallery did not answer. Check your connection and try again.';
    case 'signed-out':
      return 'Sign in and try again.';
  }
}

function credentialsOf(signIn: SignIn, first: Session, signedOut: () => void): Credentials {
  let session: Session | undefined = first;
  let renewal: Promise<string | undefined> | undefined;

  function store(next: Session | undefined): void {
    const hasEnded = session !== undefined && next === undefined;
    session = next;
    storeSession(next);
    if (hasEnded) signedOut();
  }

  async function renewed(before: Session): Promise<string | undefined> {
    try {
      store(await renewSession(signIn, before));
    } finally {
      renewal = undefined;
    }
    return session?.accessToken;
  }

  return {
    token: () => session?.accessToken,
    renew: (expired) => {
      if (session === undefined || session.accessToken !== expired) return Promise.resolve(session?.accessToken);
      renewal ??= renewed(session);
      return renewal;
    },
    end: () => store(undefined),
  };
}
