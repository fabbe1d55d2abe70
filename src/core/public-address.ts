import { BlockList, isIP } from 'node:net';

/**
 * Whether an address that somebody gave may be called: one that all of the internet can reach, which tells nothing about the network that we
 * stand in. What is not known to be public is not.
 */
export type AddressRule = (address: string) => boolean;

/** IANA's registry of special purposes: our own machine, private networks, links, documentation, translation, groups. */
const NOT_PUBLIC_4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
];
/** Of version 6 only this is public, and these parts of it are not: among them addresses that carry one of version 4 within. */
const PUBLIC_6 = ['2000::/3'];
const NOT_PUBLIC_6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'];

const notPublic = networks([...NOT_PUBLIC_4, ...NOT_PUBLIC_6]);
const public6 = networks(PUBLIC_6);

/** `allowed` are networks, or single addresses, that may be called although they are not public. */
export function addressRule(allowed: readonly string[]): AddressRule {
  const exceptions = networks(allowed);
  return (address) => {
    const family = isIP(address);
    if (family === 0) return false;
    const kind = family === 4 ? 'ipv4' : 'ipv6';
    if (exceptions.check(address, kind)) return true;
    return !notPublic.check(address, kind) && (family === 4 || public6.check(address, kind));
  };
}

function networks(texts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of texts) {
    const [base = '', bits] = text.split('/');
    const kind = isIP(base) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(base, kind);
    else list.addSubnet(base, Number(bits), kind);
  }
  return list;
}
