import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { CommandError } from './command-error.ts';

/** Two commands that write the same file would spoil it for each other. Answers how to let go; what a killed command left is taken over. */
export function takePullLock(path: string, name: string): () => void {
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    }
    const owner = Number(readFileSync(path, 'utf8'));
    if (isAlive(owner))
      throw new CommandError(`another command is fetching ${name} (process ${owner})`, { hint: `Wait for it, or end it. If there is none, remove ${path}` });
    rmSync(path, { force: true });
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}
