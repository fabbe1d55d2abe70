/* Starts Swagger UI. A file of its own, because the page allows no inline script. */
const dark = window.matchMedia('(prefers-color-scheme: dark)');
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', follow);
follow();

const start = /** @type {(options: object) => void} */ (Reflect.get(window, 'SwaggerUIBundle'));
start({
  url: 'openapi.json',
  domNode: document.getElementById('reference'),
  deepLinking: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  // Its default asks an online validator.
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
});
