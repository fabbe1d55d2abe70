const OLDEST = [1, 4, 5] as const;

export const runtimeVersion: string = Bun.version;
export const oldestRuntime: string = OLDEST.join('.');

export function isRuntimeNewEnough(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const [oldMajor, oldMinor, oldPatch] = OLDEST;
  if (major !== oldMajor) return major > oldMajor;
  return minor === oldMinor ? patch >= oldPatch : minor > oldMinor;
}
