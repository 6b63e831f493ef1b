import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import { isProblemCode, Problem, problems } from '../../../platform/problems.ts';
import { openApi } from '../../openapi.ts';
import type { Operation } from '../../operation.ts';
import type { Router } from '../../router.ts';

const packages = createRequire(import.meta.url);
const ASSETS: Record<string, string> = { 'swagger-ui.css': 'css', 'swagger-ui-bundle.js': 'js' };

const PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Vouchsafe API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="ui"></div><script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script></body></html>
`;
const START = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#ui', persistAuthorization: true, tryItOutEnabled: true });\n`;

/** `/openapi.json`, `/docs`, which shows it, and a page for every problem code. All are open. */
export function docs(router: Router, operations: Operation[]): void {
  const document = openApi(operations);
  router.get('/openapi.json', (context) => {
    context.body = document;
  });
  router.get('/docs', (context) => {
    context.type = 'html';
    context.body = PAGE;
  });
  router.get('/docs/start.js', (context) => {
    context.type = 'js';
    context.body = START;
  });
  router.get('/docs/:asset', (context) => {
    const asset = context.params.asset ?? '';
    const type = Object.hasOwn(ASSETS, asset) ? ASSETS[asset] : undefined;
    if (!type) throw new Problem('not-found');
    context.type = type;
    context.body = createReadStream(packages.resolve(`swagger-ui-dist/${asset}`));
  });
  router.get('/errors/:code', (context) => {
    const code = context.params.code ?? '';
    if (!isProblemCode(code)) throw new Problem('not-found');
    const [status, title, remedy] = problems[code];
    context.type = 'html';
    context.body = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${code}</title></head>
<body><h1>${code}</h1><p>${title}. HTTP status ${status}.</p><p>${remedy}</p></body></html>
`;
  });
}
