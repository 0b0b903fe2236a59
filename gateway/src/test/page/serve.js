// Serves the page with the fake gateway behind it, to look at: node serve.js PORT
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { answer } from './fake-gateway.js';

const FILES = new URL('../../main/resources/dev/loupe/gateway/web/', import.meta.url);
const TYPES = { html: 'text/html', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  if (request.url.startsWith('/v1/')) {
    const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks)) : undefined;
    const { status, json } = answer(request.method, request.url, body);
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(json));
    return;
  }
  const name = request.url === '/' ? 'index.html' : request.url.slice(1);
  const file = await readFile(new URL(name, FILES)).catch(() => null);
  response.writeHead(file ? 200 : 404, { 'Content-Type': TYPES[name.split('.').pop()] ?? 'text/plain' }).end(file);
}).listen(Number(process.argv[2]), '127.0.0.1');
