import type { Announce, App } from '../../app.ts';

/** Writes the rows of webhook_events. */
export function createAnnounce({ clock, newId }: Pick<App, 'clock' | 'newId'>): Announce {
  return async (db, { type, projectId, subjectId, url }) => {
    const event = { id: newId('evt'), project_id: projectId, type, subject_id: subjectId, url, created_at: new Date(clock.now()) };
    await db.insertInto('webhook_events').values(event).execute();
  };
}
