import { readFileSync } from 'node:fs';

/**
 * A process by its number and the moment it began, where the system tells it: numbers are given again, threads have some too, and in a container
 * every start has the same.
 */
export type ProcessMark = { readonly pid: number; readonly began: string };

export function thisProcess(): ProcessMark {
  return { pid: process.pid, began: beganAt(process.pid) };
}

export function isRunning({ pid, began }: ProcessMark): boolean {
  try {
    process.kill(pid, 0);
  } catch (cause) {
    // Somebody else's process is one all the same.
    if ((cause as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return beganAt(pid) === began;
}

/** In ticks since the machine began, field 22 of Linux's /proc/<pid>/stat; empty where there is no such file. */
function beganAt(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program, in parentheses, may have spaces and parentheses itself.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
