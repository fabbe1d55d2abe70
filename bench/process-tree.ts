import { readdirSync, readFileSync } from 'node:fs';

/** What processes used, as Linux tells it in /proc: of a whole tree, because some servers work in children. */
const PAGE_MB = 4096 / 1_048_576;

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It ended between the listing and the look.
    return '';
  }
}

/** These processes and all that descend from them. */
export function treeOf(roots: readonly number[]): readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const stat = read(`/proc/${pid}/stat`);
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = new Set<number>();
  const toVisit = [...roots];
  for (let pid = toVisit.pop(); pid !== undefined; pid = toVisit.pop()) {
    if (found.has(pid)) continue;
    found.add(pid);
    toVisit.push(...(children.get(pid) ?? []));
  }
  return [...found];
}

/** CPU time of each thread so far, in microseconds, by the scheduler's own count: finer than the ticks that a process's times are told in. */
export type CpuTimes = ReadonlyMap<string, number>;

export function cpuTimes(pids: readonly number[]): CpuTimes {
  const times = new Map<string, number>();
  for (const pid of pids) {
    for (const thread of threadsOf(pid)) times.set(`${pid}/${thread}`, Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0] ?? 0) / 1000);
  }
  return times;
}

/** A thread that has ended in the meantime takes its last share with it, and nothing of what it used before. */
export function cpuMicrosBetween(before: CpuTimes, after: CpuTimes): number {
  let micros = 0;
  for (const [thread, time] of after) micros += time - (before.get(thread) ?? 0);
  return micros;
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Memory that the processes hold, what they share with others counted by its share. */
export function memoryMb(pids: readonly number[]): number {
  return sum(pids, (pid) => Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) / 1024);
}

/** Cheaper to ask, for looking often. */
export function residentMb(pids: readonly number[]): number {
  return sum(pids, (pid) => Number(read(`/proc/${pid}/statm`).split(' ')[1] ?? 0) * PAGE_MB);
}

function sum(pids: readonly number[], of: (pid: number) => number): number {
  let total = 0;
  for (const pid of pids) total += of(pid);
  return total;
}
