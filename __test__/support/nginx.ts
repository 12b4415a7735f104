/** nginx, run by a test for itself: it serves a folder of the test's, and sends back what is posted to it. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { account, file, folder, freePort, Running } from './programs.ts'

export interface Nginx {
  readonly port: number
  /** What it serves: files by name. */
  put(name: string, content: Uint8Array | string): void
  readonly program: Running
}

/** With `tls`, it speaks that. The files are PEM. */
export async function startNginx(
  t: ExecutionContext,
  nginx: string,
  tls?: { readonly cert: string; readonly key: string; readonly versions?: string },
): Promise<Nginx> {
  const owner = account('www-data')
  const where = folder(t, owner)
  const root = join(where, 'root')
  mkdirSync(root)
  const port = await freePort()
  if (tls !== undefined) {
    file(where, 'cert.pem', tls.cert, owner)
    file(where, 'key.pem', tls.key, owner)
  }
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${where}/${kind};`,
  )
  const settings = `
daemon off;
master_process off;
pid ${where}/pid;
error_log stderr notice;
events {}
http {
  access_log off;
  client_max_body_size 0;
  ${temporary.join('\n  ')}
  server {
    listen 127.0.0.1:${port}${tls === undefined ? '' : ' ssl'};
    ${tls === undefined ? '' : `ssl_certificate ${where}/cert.pem; ssl_certificate_key ${where}/key.pem;`}
    ${tls?.versions === undefined ? '' : `ssl_protocols ${tls.versions};`}
    root ${root};
    # HTTP/1.0 without a length: the end of the data is the end of the connection.
    location /until-close/ { chunked_transfer_encoding off; keepalive_timeout 0; alias ${root}/; ssi on; ssi_types *; }
  }
}
`
  const program = new Running(t, nginx, ['-p', where, '-c', file(where, 'nginx.conf', settings, owner)], {
    ...owner,
  })
  await program.printed(/getrlimit/)
  return { port, program, put: (name, content) => writeFileSync(join(root, name), content) }
}
