import { BlockList, isIP } from 'node:net';

/** The caller's address: the nearest one in X-Forwarded-For that no trusted proxy added. Nobody else's word about it is believed. */
export type CallerAddress = (socketAddress: string, forwardedFor: string | null) => string;

const NAMED: Record<string, readonly string[]> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

export function callerAddress(trusted: readonly string[]): CallerAddress {
  if (trusted.length === 0) return (socketAddress) => plain(socketAddress);
  const proxies = new BlockList();
  for (const entry of trusted.flatMap((word) => NAMED[word] ?? [word])) {
    const [address = '', bits] = entry.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    proxies.addSubnet(address, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family);
  }
  const isTrusted = (address: string): boolean => isIP(address) !== 0 && proxies.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

  return (socketAddress, forwardedFor) => {
    const hops = (forwardedFor ?? '').split(',').map((hop) => plain(hop.trim()));
    let nearest = plain(socketAddress);
    while (isTrusted(nearest)) {
      const next = hops.pop();
      if (next === undefined || isIP(next) === 0) break;
      nearest = next;
    }
    return nearest;
  };
}

/** IPv4 that came through an IPv6 socket is the same address. */
function plain(address: string): string {
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}
