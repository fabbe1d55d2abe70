/** A job that has rows to run, as far as its turn is concerned. */
export type Sharer = { readonly id: string; readonly projectId: string };

/** Whose turn it is: the project that runs the fewest rows, and of its jobs the one that runs the fewest. Of equals the first. */
export type FairShare = {
  readonly began: (sharer: Sharer) => void;
  readonly ended: (sharer: Sharer) => void;
  readonly runningOf: (id: string) => number;
  /** Null where nobody wants a turn. */
  readonly next: <Each extends Sharer>(wanting: Iterable<Each>) => Each | null;
};

export function createFairShare(): FairShare {
  const ofProject = new Map<string, number>();
  const ofJob = new Map<string, number>();
  const runningOf = (id: string): number => ofJob.get(id) ?? 0;
  return {
    runningOf,
    began({ id, projectId }) {
      add(ofJob, id, 1);
      add(ofProject, projectId, 1);
    },
    ended({ id, projectId }) {
      add(ofJob, id, -1);
      add(ofProject, projectId, -1);
    },
    next<Each extends Sharer>(wanting: Iterable<Each>): Each | null {
      let chosen: Each | null = null;
      let [leastOfProject, leastOfJob] = [Infinity, Infinity];
      for (const each of wanting) {
        const project = ofProject.get(each.projectId) ?? 0;
        const job = runningOf(each.id);
        if (project > leastOfProject || (project === leastOfProject && job >= leastOfJob)) continue;
        [chosen, leastOfProject, leastOfJob] = [each, project, job];
      }
      return chosen;
    },
  };
}

function add(counts: Map<string, number>, name: string, more: number): void {
  const count = (counts.get(name) ?? 0) + more;
  if (count > 0) counts.set(name, count);
  else counts.delete(name);
}

/** What a job has of the places by now, and whether it can use more. */
export type Holder = Sharer & { readonly has: number; readonly wants: boolean };

/** Deals out what there is room for, row by row, to whose turn it would be. Answers how many each of those who get any gets. */
export function shareOut<Each extends Holder>(room: number, holders: readonly Each[]): ReadonlyMap<Each, number> {
  const wanting = holders.filter(({ wants }) => wants);
  const dealt = new Map<Each, number>();
  const [only] = wanting;
  if (only === undefined || room <= 0) return dealt;
  if (wanting.length === 1) return dealt.set(only, room);
  const share = createFairShare();
  for (const holder of holders) for (let row = 0; row < holder.has; row++) share.began(holder);
  for (let row = 0; row < room; row++) {
    const next = share.next(wanting) ?? only;
    share.began(next);
    dealt.set(next, (dealt.get(next) ?? 0) + 1);
  }
  return dealt;
}
