import { portOwner } from './port-owner.ts';

/** Why a port cannot be listened on; null when it can. */
export type PortTrouble = { readonly code: string; readonly message: string; readonly owner: string | null };

export function portTrouble(host: string, port: number): PortTrouble | null {
  try {
    Bun.listen({ hostname: host, port, socket: { data: () => undefined } }).stop(true);
    return null;
  } catch (cause) {
    const code = (cause as { code?: string }).code ?? '';
    return { code, message: cause instanceof Error ? cause.message : String(cause), owner: code === 'EADDRINUSE' ? portOwner(port) : null };
  }
}
