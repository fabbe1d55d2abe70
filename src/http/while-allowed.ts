import type { App, Clock } from '../app.ts';
import { AppError } from '../contract/errors.ts';
import type { Identify } from './dispatch.ts';
import type { Reply } from './route.ts';

type Stream = NonNullable<Reply['stream']>;
type Needs = { readonly app: Pick<App, 'clock'>; readonly identify: Pick<Identify, 'isRevoked'> };

const LOOK_EVERY_MS = 4000;
/** For a stream that is silent, and so does not notice by itself. */
const CUT_AFTER_MS = 4000;

/**
 * A streamed answer as long as its caller may have it: one whose key was revoked, or who was signed out or disabled, is told so in the stream within
 * ten seconds. Nobody looks after a stream of somebody who showed nothing.
 */
export function whileAllowed({ app: { clock }, identify }: Needs, headers: Headers, stream: Stream): Stream {
  const authorization = headers.get('authorization');
  const apiKey = headers.get('x-api-key');
  if (authorization === null && apiKey === null) return stream;
  return async (sink) => {
    const cut = Promise.withResolvers<never>();
    let end: AppError | null = null;
    const cutting: { cancel?: () => void } = {};
    const watch = lookAgain(
      clock,
      () => identify.isRevoked(authorization, apiKey),
      () => {
        const error = new AppError('UNAUTHORIZED', { message: 'What this call was signed with was revoked meanwhile' });
        end = error;
        cutting.cancel = clock.after(CUT_AFTER_MS, () => cut.reject(error));
      },
    );
    const write = (piece: string | Uint8Array): void | Promise<void> => {
      const error = end;
      // Thrown once, where the next piece would go out: whoever writes the stream ends it with this error. A comment is nobody's piece.
      if (error === null || (typeof piece === 'string' && piece.startsWith(':'))) return sink.write(piece);
      end = null;
      watch.stop();
      throw error;
    };
    try {
      await Promise.race([stream({ write }), cut.promise]);
    } finally {
      watch.stop();
      cutting.cancel?.();
    }
  };
}

function lookAgain(clock: Pick<Clock, 'after'>, isOver: () => Promise<boolean>, over: () => void): { readonly stop: () => void } {
  let stopped = false;
  let cancel: (() => void) | null = null;
  const look = async (): Promise<void> => {
    const is = await isOver().catch(() => false);
    if (stopped) return;
    if (is) over();
    else again();
  };
  const again = (): void => {
    cancel = clock.after(LOOK_EVERY_MS, () => void look());
  };
  again();
  return {
    stop() {
      stopped = true;
      cancel?.();
    },
  };
}
