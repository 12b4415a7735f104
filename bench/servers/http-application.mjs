// What every HTTP server here answers: the same bytes each time, which is why there is no date among them.

const TEXT = Buffer.from('hello, world\n')

/** @param {import('node:http').IncomingMessage} _ @param {import('node:http').ServerResponse} response */
export function greeting(_, response) {
  response.sendDate = false
  response.setHeader('Content-Type', 'text/plain')
  response.setHeader('Content-Length', TEXT.length)
  response.end(TEXT)
}
