import { describe, expect, test } from 'bun:test';
import { addressRule } from './public-address.ts';

const NOT_PUBLIC = [
  '0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.255.254', '169.254.169.254',
  '172.16.0.1', '172.31.255.255', '192.0.0.1', '192.0.2.1', '192.88.99.1', '192.168.1.1', '198.18.0.1', '198.19.255.255', '198.51.100.7',
  '203.0.113.7', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255',
  '::', '::1', '::127.0.0.1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:8.8.8.8', '64:ff9b::7f00:1', '64:ff9b::a00:1', '64:ff9b:1::1', '100::1',
  '2001::1', '2001:0:53aa:64c:0:1:2:3', '2001:db8::1', '2002:7f00:1::', '2002:a00:1::1', '3fff::1', '5f00::1', 'fc00::1', 'fd12:3456::1', 'fe80::1', 'fe80::1%eth0',
  'fec0::1', 'ff02::1', 'ff0e::1',
]; // prettier-ignore
const PUBLIC = ['1.1.1.1', '8.8.8.8', '100.63.255.255', '100.128.0.0', '172.15.255.255', '172.32.0.0', '192.0.1.1', '198.17.255.255', '198.20.0.0', '223.255.255.255', '2606:4700::1111', '2a00:1450::1', '2001:4860:4860::8888']; // prettier-ignore
const NO_ADDRESS = ['', 'localhost', 'example.org', '127.1', '0x7f000001', '2130706433', '0177.0.0.1', '127.0.0.1.', '１２７.0.0.1', '[::1]', '10.0.0.1/8'];

describe('an address that somebody gave', () => {
  const mayCall = addressRule([]);

  test.each(NOT_PUBLIC)('%s is not called', (address) => expect(mayCall(address)).toBe(false));
  test.each(PUBLIC)('%s is', (address) => expect(mayCall(address)).toBe(true));
  test.each(NO_ADDRESS)('%p is none, and is not called', (address) => expect(mayCall(address)).toBe(false));

  test('may be called where the configuration names its network, or itself', () => {
    const rule = addressRule(['10.1.0.0/16', '127.0.0.1', 'fd00::/8']);
    expect(['10.1.2.3', '127.0.0.1', 'fd12::1'].map(rule)).toEqual([true, true, true]);
    expect(['10.2.0.1', '127.0.0.2', 'fe80::1'].map(rule)).toEqual([false, false, false]);
  });
});
