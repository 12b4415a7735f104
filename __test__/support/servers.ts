/** Database servers of a test's own: in a folder of theirs, on a free port of the loopback interface. */
import { execFile } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { certificates } from './certificates.ts'
import { account, file, folder, freePort, type Owner, Running } from './programs.ts'

const execute = promisify(execFile)

export const PASSWORD = 'not a secret'

export interface Server {
  readonly port: number
  readonly program: Running
}

/** @param connections - what it lets in, in the words of its own configuration: over TLS alone, or as the client likes */
export async function startPostgres(
  owner: Owner,
  postgres: string,
  connections: 'hostssl' | 'host' = 'host',
): Promise<Server> {
  const { ca, server: identity } = await certificates()
  const user = account('postgres')
  const where = folder(owner, user)
  const data = join(where, 'data')
  const password = file(where, 'password', PASSWORD, user)
  const options = { ...user, cwd: where }
  await execute(
    join(dirname(postgres), 'initdb'),
    ['--no-sync', '-D', data, '-U', 'postgres', '-A', 'scram-sha-256', '--pwfile', password],
    options,
  )
  const settings = {
    ssl: 'on',
    ssl_cert_file: file(where, 'cert.pem', identity.cert, user),
    ssl_key_file: file(where, 'key.pem', identity.key, user),
    ssl_ca_file: file(where, 'ca.pem', ca, user),
    hba_file: file(where, 'hba.conf', `${connections} all all 127.0.0.1/32 scram-sha-256\n`, user),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'off',
  }
  const port = await freePort()
  const arguments_ = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const program = new Running(owner, postgres, ['-D', data, '-p', String(port), ...arguments_], options)
  await program.printed(/database system is ready to accept connections/)
  return { port, program }
}

export async function startRedis(owner: Owner, redis: string): Promise<Server> {
  const port = await freePort()
  const arguments_ = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const program = new Running(owner, redis, arguments_, { cwd: folder(owner) })
  await program.printed(/Ready to accept connections/)
  return { port, program }
}

/** The user `tester` has the password `PASSWORD` and the database `test`. */
export async function startMariadb(owner: Owner, mariadbd: string): Promise<Server> {
  const user = account('mysql')
  const where = folder(owner, user)
  const data = join(where, 'data')
  const options = { ...user, cwd: where }
  const install = mariadbd.replace(/sbin\/[^/]*$/, 'bin/mariadb-install-db')
  await execute(
    install,
    ['--no-defaults', `--datadir=${data}`, '--skip-test-db', '--auth-root-authentication-method=normal'],
    options,
  )
  const setup = file(
    where,
    'setup.sql',
    [
      // One statement on each line: that is how the server reads the file.
      'create database test;',
      `create user tester@'%' identified by '${PASSWORD}';`,
      "grant all on test.* to tester@'%';",
      '',
    ].join('\n'),
    user,
  )
  chmodSync(setup, 0o644)
  const port = await freePort()
  const settings = ['--no-defaults', `--datadir=${data}`, '--bind-address=127.0.0.1', `--port=${port}`]
  const files = [`--socket=${join(where, 's')}`, `--pid-file=${join(where, 'pid')}`, `--init-file=${setup}`]
  const program = new Running(owner, mariadbd, [...settings, ...files, '--skip-name-resolve'], options)
  await program.printed(new RegExp(`${basename(mariadbd)}: ready for connections`))
  return { port, program }
}
