// Writes the API's types from `openapi.json`, which `pinreel openapi` prints. Operation ids are dropped first: they are
// handler names, not unique, and nothing here goes by them.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import openapiTS, { astToString, type OpenAPI3 } from 'openapi-typescript';

const web = path.join(import.meta.dirname, '..');
const document = JSON.parse(await readFile(path.join(web, 'openapi.json'), 'utf8')) as OpenAPI3;

for (const item of Object.values(document.paths ?? {})) {
  for (const operation of Object.values(item)) {
    if (operation && typeof operation === 'object')
      delete (operation as { operationId?: string }).operationId;
  }
}

const header = '// Made by `npm run api` from openapi.json. Not to be edited.\n\n';
await writeFile(path.join(web, 'src/lib/api/schema.gen.ts'), header + astToString(await openapiTS(document)));
