// Writes the API's types from `openapi.json`, which `pinreel openapi` prints. Operation ids are dropped first: they are
// handler names, not unique, and nothing here goes by them. With --check it writes nothing, and fails if what is there
// is not what it would write.
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
const file = path.join(web, 'src/lib/api/schema.gen.ts');
const made = header + astToString(await openapiTS(document));

if (!process.argv.includes('--check')) {
  await writeFile(file, made);
} else if ((await readFile(file, 'utf8')) !== made) {
  console.error(
    'src/lib/api/schema.gen.ts is not what openapi.json says. Run `npm run api` and commit both.',
  );
  process.exitCode = 1;
}
