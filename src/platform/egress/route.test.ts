import { describe, expect, test } from 'bun:test';
import { type Proxies, routeOf } from './route.ts';

const NONE: Proxies = { httpProxy: null, httpsProxy: null, noProxy: [] };
const BOTH: Proxies = { httpProxy: 'http://proxy.test:3128', httpsProxy: 'http://user:p%40ss@proxy.test', noProxy: [] };

describe('the way to an address', () => {
  test('without a proxy is its own host', () => {
    expect(routeOf('https://api.test/v1/chat?a=b', NONE)).toEqual({
      origin: 'https://api.test',
      hostname: 'api.test',
      port: 443,
      tlsName: 'api.test',
      tunnelTo: null,
      proxyAuthorization: null,
      host: 'api.test',
      target: '/v1/chat?a=b',
    });
    expect(routeOf('http://api.test:8080/', NONE)).toMatchObject({ port: 8080, tlsName: null, host: 'api.test:8080', target: '/' });
    expect(routeOf('https://[::1]:8443', NONE)).toMatchObject({ hostname: '::1', port: 8443, tlsName: '::1', host: '[::1]:8443', target: '/' });
  });

  test('in the clear through a proxy names the whole address to it', () => {
    expect(routeOf('http://api.test:8080/v1?a', BOTH)).toMatchObject({
      origin: 'http://api.test:8080',
      hostname: 'proxy.test',
      port: 3128,
      tlsName: null,
      tunnelTo: null,
      proxyAuthorization: null,
      host: 'api.test:8080',
      target: 'http://api.test:8080/v1?a',
    });
  });

  test('by TLS through a proxy is a tunnel, for which the proxy may want a password', () => {
    expect(routeOf('https://api.test/v1', BOTH)).toMatchObject({
      origin: 'https://api.test',
      hostname: 'proxy.test',
      port: 80,
      tlsName: 'api.test',
      tunnelTo: 'api.test:443',
      proxyAuthorization: `Basic ${btoa('user:p@ss')}`,
      host: 'api.test',
      target: '/v1',
    });
    expect(routeOf('https://[2001:db8::1]:8443', BOTH)).toMatchObject({ tlsName: '2001:db8::1', tunnelTo: '[2001:db8::1]:8443' });
  });

  test('never leads to a proxy that would have to be reached by TLS', () => {
    expect(() => routeOf('https://api.test', { ...NONE, httpsProxy: 'https://proxy.test' })).toThrow('a proxy is reached by http://, not https://');
  });

  test('through a proxy is not taken to this machine', () => {
    for (const host of ['localhost', 'api.localhost', '127.0.0.1', '127.8.9.10', '[::1]']) {
      expect(routeOf(`http://${host}:1234/`, BOTH)).toMatchObject({ host: `${host}:1234`, port: 1234, target: '/' });
    }
    expect(routeOf('http://localhost.test/', BOTH)).toMatchObject({ hostname: 'proxy.test' });
    expect(routeOf('http://127.test/', BOTH)).toMatchObject({ hostname: 'proxy.test' });
  });
});

describe('NO_PROXY', () => {
  const cases: readonly (readonly [entry: string, host: string, isDirect: boolean])[] = [
    ['*', 'api.test', true],
    ['api.test', 'api.test', true],
    ['API.test', 'api.test', true],
    ['test', 'api.test', true],
    ['.test', 'api.test', true],
    ['*.test', 'api.test', true],
    ['.api.test', 'api.test', true],
    ['pi.test', 'api.test', false],
    ['test.api', 'api.test', false],
    ['api.test:80', 'api.test', true],
    ['api.test:81', 'api.test', false],
    ['api.test:81', 'api.test:81', true],
    ['10.0.0.7', '10.0.0.7', true],
    ['0.0.7', '10.0.0.7', false],
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '11.1.2.3', false],
    ['10.0.0.0/99', '10.1.2.3', false],
    ['10.0.0.0/8', 'api.test', false],
    ['2001:db8::1', '[2001:db8::1]', true],
    ['2001:db8::/32', '[2001:db8:5::1]', true],
    ['2001:db8::/32', '10.1.2.3', false],
    ['', 'api.test', false],
    ['.', 'api.test', false],
  ];
  for (const [entry, host, isDirect] of cases) {
    test(`${JSON.stringify(entry)} ${isDirect ? 'spares' : 'does not spare'} ${host} the proxy`, () => {
      expect(routeOf(`http://${host}/`, { ...BOTH, noProxy: ['other.example', entry] }).hostname !== 'proxy.test').toBe(isDirect);
    });
  }
});
