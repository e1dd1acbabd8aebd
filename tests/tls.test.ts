// TLS on the node's own port: HTTP/1.1 and HTTP/2, a certificate that is renewed on the disk, and what is refused.

import assert from 'node:assert/strict';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { get } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';

import { Cli, type Published } from './lib/cli.ts';
import { freshFolder } from './lib/folders.ts';
import { makeClip } from './lib/media.ts';
import { freePort, PinreelNode } from './lib/node.ts';
import { ended, ok } from './lib/process.ts';
import { until } from './lib/wait.ts';

/** A self-signed certificate for localhost. */
async function certificate(folder: string, name: string): Promise<{ cert: string; key: string }> {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  await ok('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-out', cert, '-keyout', key,
  ]); // prettier-ignore
  return { cert, key };
}

function overHttp1(url: string, ca: Buffer): Promise<{ status: number; subject: string }> {
  return new Promise((resolve, reject) => {
    const request = get(url, { ca, agent: false }, (response) => {
      const subject = String((response.socket as TLSSocket).getPeerCertificate().subject.CN);
      response.resume().on('end', () => resolve({ status: response.statusCode ?? 0, subject }));
    });
    request.on('error', reject);
  });
}

function overHttp2(url: string, path: string, ca: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(url, { ca });
    session.on('error', reject);
    const stream = session.request({ ':path': path });
    stream.on('response', (headers) => {
      stream.resume().on('end', () => session.close(() => resolve(Number(headers[':status']))));
    });
    stream.on('error', reject);
    stream.end();
  });
}

test('TLS by files speaks HTTP/1.1 and HTTP/2, and takes a renewed certificate', async () => {
  const folder = freshFolder('tls');
  const { cert, key } = await certificate(folder, 'first');
  const port = await freePort();
  const url = `https://127.0.0.1:${port}`;
  const node = await PinreelNode.launch({
    port,
    transcoder: false,
    args: ['--tls-cert', cert, '--tls-key', key, '--url', url],
  });
  await until('the ready line', () => node.stdout.split('\n').includes(`ready: ${url}`), 120_000);
  const ca = readFileSync(cert);
  assert.deepEqual(await overHttp1(`${url}/healthz`, ca), { status: 200, subject: 'first' });
  assert.equal(await overHttp2(url, '/healthz', ca), 200);
  assert.equal(await overHttp2(url, '/ipfs/bafkqaaa', ca), 200);
  await assert.rejects(fetch(`http://127.0.0.1:${port}/healthz`), 'nothing is answered in the clear');

  const second = await certificate(folder, 'second');
  renameSync(second.key, key);
  renameSync(second.cert, cert);
  const renewed = readFileSync(cert);
  await until(
    'the renewed certificate',
    async () => (await overHttp1(`${url}/healthz`, renewed).catch(() => undefined))?.subject === 'second',
    120_000,
  );
  assert.equal(await node.stop(), 0);
});

test('a node that speaks TLS itself transcodes what is published there', async () => {
  const folder = freshFolder('tls');
  const [authority, request, cert] = ['authority', 'request', 'node'].map((name) =>
    join(folder, `${name}.pem`),
  );
  const ca = await certificate(folder, 'authority');
  const key = join(folder, 'node.key');
  await ok('openssl', [
    'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=node',
    '-addext', 'subjectAltName=DNS:localhost', '-addext', 'basicConstraints=CA:FALSE', '-out', request!, '-keyout', key,
  ]); // prettier-ignore
  await ok('openssl', [
    'x509', '-req', '-in', request!, '-CA', authority!, '-CAkey', ca.key, '-days', '2', '-copy_extensions', 'copy', '-out', cert!,
  ]); // prettier-ignore
  const port = await freePort();
  const url = `https://localhost:${port}`;
  const node = await PinreelNode.launch({
    port,
    args: ['--tls-cert', cert!, '--tls-key', key, '--url', url],
  });
  await until('the ready line', () => node.stdout.split('\n').includes(`ready: ${url}`), 120_000);
  const clip = await makeClip(join(folder, 'clip.mp4'));
  const cli = new Cli(folder, { SSL_CERT_FILE: authority! });
  const published = await cli.json<Published>('publish', clip, '--node', url, '--wait', 'complete');
  assert.equal(published.state, 'complete');
  assert.equal(await node.stop(), 0);
});

test('TLS that can’t be set up says what is wrong', async () => {
  const folder = freshFolder('tls');
  const { cert, key } = await certificate(folder, 'right');
  const broken = join(folder, 'broken.pem');
  writeFileSync(broken, 'no certificate');
  const cases: [string[], RegExp][] = [
    [
      ['--tls-cert', broken, '--tls-key', key, '--url', 'https://localhost'],
      /certificate .*broken\.pem can't be used/,
    ],
    [
      ['--tls-cert', cert, '--tls-key', broken, '--url', 'https://localhost'],
      /key .*broken\.pem can't be used/,
    ],
    [['--tls-cert', cert, '--tls-key', key], /name it with --url https/],
    [['--tls-cert', cert], /--tls-key/],
  ];
  for (const [args, sentence] of cases) {
    const node = await PinreelNode.launch({ transcoder: false, args });
    const { code } = await ended(node.child);
    assert.notEqual(code, 0);
    assert.match(node.log, sentence);
  }
});
