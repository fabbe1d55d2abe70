/* Starts ReDoc. A file of its own, because the page allows no inline script. */
const redoc = /** @type {{ init: (url: string, options: object, element: Element | null) => void }} */ (Reflect.get(window, 'Redoc'));

redoc.init(
  'openapi.json',
  {
    scrollYOffset: '.bar',
    expandResponses: '200,201',
    theme: {
      colors: { primary: { main: '#0b6bcb' } },
      typography: { fontFamily: 'system-ui, sans-serif', headings: { fontFamily: 'system-ui, sans-serif' }, code: { fontFamily: 'ui-monospace, monospace' } },
    },
  },
  document.getElementById('reference'),
);
